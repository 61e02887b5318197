"""The resolvers of the root fields. Each reads its value from the operation's read, which the first one of them starts.

Strawberry calls them for every operation that no plan covers, and for all of them if plans are turned off. A plan is the compiled
form of the same calls: it starts the same read and renders the same values.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from graphql import DocumentNode
from strawberry.types import Info

from resolvers.freshness.summary import OperationAnswer


class OperationRead:
    """Strawberry's context: the read of one operation, shared by its root fields. It reconciles where a demand is not settled."""

    def __init__(self, document: DocumentNode | None, start: Callable[[], Awaitable[OperationAnswer]]) -> None:
        self.document = document
        self._start = start
        self._task: asyncio.Future[OperationAnswer] | None = None

    @property
    def answer(self) -> OperationAnswer | None:
        """The answer, once it was read."""
        return self._task.result() if self._task is not None and self._task.done() else None

    async def wait(self) -> OperationAnswer:
        """Start the read if nobody has, and wait for it. Raises DatabaseUnavailable."""
        if self._task is None:
            self._task = asyncio.ensure_future(self._start())
        return await self._task


Resolved: TypeAlias = Any
"""The value of a root field, or an awaitable of it: a dict by response keys, a list of them, or None."""


def resolve_resource(info: Info[OperationRead, None]) -> Resolved:
    """Resolve `resource`: one resource, or None."""
    return _resolve(info)


def resolve_resources(info: Info[OperationRead, None]) -> Resolved:
    """Resolve `resources`: a page of resources."""
    return _resolve(info)


def resolve_resource_totals(info: Info[OperationRead, None]) -> Resolved:
    """Resolve `resourceTotals`: counts and hourly cost by group."""
    return _resolve(info)


def resolve_changes(info: Info[OperationRead, None]) -> Resolved:
    """Resolve `changes`: a page of the history over all resources."""
    return _resolve(info)


def resolve_accounts(info: Info[OperationRead, None]) -> Resolved:
    """Resolve `accounts`: the accounts that the viewer sees."""
    return _resolve(info)


def resolve_node(info: Info[OperationRead, None]) -> Resolved:
    """Resolve `node`: the object of an id, or None."""
    return _resolve(info)


def _resolve(info: Info[OperationRead, None]) -> Resolved:
    """Return the value by the field's response key: an alias may ask for one field twice, with different arguments."""
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
