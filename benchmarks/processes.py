"""Child processes: starting one, and its processor time and memory as the system counts them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

ROOT: Final = Path(__file__).parents[1]


@contextmanager
def run_process(
    command: Sequence[str | Path], ready: str, environment: Mapping[str, str], root: Path = ROOT
) -> Iterator[tuple[str, int]]:
    """Run a program until the block ends; yield the first group of `ready` in its output, and its process id.

    `root` is the checkout whose modules it imports. Raises SystemExit if the program ends before it is ready.
    """
    process = subprocess.Popen(
        command,
        cwd=root,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(root), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if match := re.search(ready, line):
                yield match[1], process.pid
                break
        else:
            raise SystemExit(f"{' '.join(map(str, command))} did not start")
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def cpu_seconds(process: int) -> float:
    """Return the processor time of one process so far, all its threads included."""
    times = psutil.Process(process).cpu_times()
    return float(times.user + times.system)


def family_cpu_seconds(process: int) -> float:
    """Return the processor time so far of a process and its children, including those that it has waited for."""
    parent = psutil.Process(process)
    times = parent.cpu_times()
    total = cpu_seconds(process) + float(times.children_user + times.children_system)
    for child in parent.children():
        with suppress(psutil.NoSuchProcess):
            total += cpu_seconds(child.pid)
    return total


def memory_bytes(process: int) -> int:
    """Return the resident memory of one process."""
    return int(psutil.Process(process).memory_info().rss)
