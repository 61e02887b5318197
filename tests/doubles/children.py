"""Doubles that run as child processes: started on an ephemeral port, awaited until ready, and stopped with the test."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, Queue

_ROOT = Path(__file__).resolve().parents[2]
_READY_SECONDS = 60
_STOP_SECONDS = 10


@contextmanager
def child(command: Sequence[str], ready: str, environment: Mapping[str, str] | None = None) -> Iterator[re.Match[str]]:
    """Run a command until the block ends; yield what `ready` matched in a line of its output.

    Raise RuntimeError with the command's output if the command ends, or a minute passes, before that.
    """
    process = subprocess.Popen(  # noqa: S603 - the command is a test's own
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **(environment or {})},
        text=True,
        errors="replace",
        start_new_session=True,
        cwd=_ROOT,
    )
    lines: Queue[str | None] = Queue()
    reader = threading.Thread(target=_drain, args=(process, lines), daemon=True)
    reader.start()
    try:
        yield _await_ready(lines, re.compile(ready))
    finally:
        _stop(process)
        reader.join(_STOP_SECONDS)
        if process.stdout:
            process.stdout.close()


def _stop(process: subprocess.Popen[str]) -> None:
    # Stop the whole session, so that no process which the command started is left.
    for stop_signal in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, stop_signal)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
            return


def _drain(process: subprocess.Popen[str], lines: Queue[str | None]) -> None:
    # A full pipe would block the child.
    if process.stdout:
        for line in process.stdout:
            lines.put(line)
    lines.put(None)


def _await_ready(lines: Queue[str | None], ready: re.Pattern[str]) -> re.Match[str]:
    written: list[str] = []
    while True:
        try:
            line = lines.get(timeout=_READY_SECONDS)
        except Empty:
            line = None
        if line is None:
            raise RuntimeError("the double did not become ready:\n" + "".join(written[-30:]))
        written.append(line)
        if match := ready.search(line):
            return match
