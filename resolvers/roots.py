"""The resolver of the root fields.

The first resolver of an operation starts the operation's read, and the others wait for it. Each returns the value of its own
response key.

Strawberry calls the resolvers for operations that do not run as a plan: introspection, and all operations if plans are off. A
plan is the compiled form of the same calls: it starts the same read and renders the same values.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from graphql import DocumentNode
from strawberry.types import Info

from resolvers.freshness.summary import OperationAnswer


class OperationRead:
    """The read of one operation, shared by its root fields. It is Strawberry's context.

    `start` starts the read (`Reader.read`), which refreshes from the clouds if a demand is not settled.
    """

    def __init__(self, document: DocumentNode | None, start: Callable[[], Awaitable[OperationAnswer]]) -> None:
        self.document = document
        self._start = start
        self._task: asyncio.Future[OperationAnswer] | None = None

    @property
    def answer(self) -> OperationAnswer | None:
        """The answer; None until the read has ended."""
        return self._task.result() if self._task is not None and self._task.done() else None

    async def wait(self) -> OperationAnswer:
        """Start the read if it has not been started, and wait for it. Raises DatabaseUnavailable."""
        if self._task is None:
            self._task = asyncio.ensure_future(self._start())
        return await self._task


def resolve_root_field(info: Info[OperationRead, None]) -> Any:
    """Return the value of the field's response key: with aliases, one field may occur twice with different arguments.

    The value, or an awaitable of it, is a dict by response keys, a list of such dicts, or None.
    """
    key, read = str(info.path.key), info.context
    if read.answer is not None:
        return _value(read.answer, key)
    return _wait(read, key)


async def _wait(read: OperationRead, key: str) -> object:
    return _value(await read.wait(), key)


def _value(answer: OperationAnswer, key: str) -> object:
    value = answer.values[key]
    if isinstance(value, Exception):
        raise value
    return value
