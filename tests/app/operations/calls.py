"""Calls that tests record, or hold until they have looked at something."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import pytest

from resolvers.operation.compile_worker import CompileWorker

LONGEST_SECONDS: Final = 60

Arguments: TypeAlias = tuple[Any, ...]
"""The positional arguments of a call; of a method, the instance first."""


def record_calls(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> list[Arguments]:
    """Return the list to which every call of a method adds its arguments from now on. The method still runs."""
    calls: list[Arguments] = []
    method = getattr(owner, name)

    @functools.wraps(method)
    def recording(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        return method(*arguments, **options)

    monkeypatch.setattr(owner, name, recording)
    return calls


def record_jobs(monkeypatch: pytest.MonkeyPatch) -> list[Arguments]:
    """Return the list to which every job of a compile worker is added from now on."""
    return record_calls(monkeypatch, CompileWorker, "run")


class CallGate:
    """Calls of one function, in other threads, that wait until `open` is set."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.open = threading.Event()
        self.count = 0
        self.function = function
        self._entered = threading.Event()

    def call(self, *arguments: Any, **options: Any) -> Any:
        """Wait, then call the function."""
        self.count += 1
        self._entered.set()
        assert self.open.wait(LONGEST_SECONDS)
        return self.function(*arguments, **options)

    def replacement(self) -> Callable[..., Any]:
        """Return a function that makes such calls. It becomes a method where it replaces one."""

        @functools.wraps(self.function)
        def call(*arguments: Any, **options: Any) -> Any:
            return self.call(*arguments, **options)

        return call

    async def entered(self) -> None:
        """Wait until there is a call."""
        assert await asyncio.to_thread(self._entered.wait, LONGEST_SECONDS)


@contextmanager
def hold_calls(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> Iterator[CallGate]:
    """Hold the calls of a function of a module, or of a method of a class. At the end all of them go on."""
    gate = CallGate(getattr(owner, name))
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, gate.replacement())
        try:
            yield gate
        finally:
            gate.open.set()
