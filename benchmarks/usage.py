"""What processes use: processor time and memory, as the system counts them."""

from __future__ import annotations

from contextlib import suppress

import psutil


def cpu_seconds(process: int) -> float:
    """The processor time of one process so far, all its threads included."""
    times = psutil.Process(process).cpu_times()
    return float(times.user + times.system)


def family_cpu_seconds(process: int) -> float:
    """The processor time so far of a process and all its children, those that ended and were waited for included."""
    parent = psutil.Process(process)
    ended = parent.cpu_times()
    total = cpu_seconds(process) + float(ended.children_user + ended.children_system)
    for child in parent.children():
        with suppress(psutil.NoSuchProcess):
            total += cpu_seconds(child.pid)
    return total


def memory_bytes(process: int) -> int:
    """The memory that is resident of one process."""
    return int(psutil.Process(process).memory_info().rss)
