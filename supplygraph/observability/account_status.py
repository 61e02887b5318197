"""How every account stands, as the graph tells an operator: what the command shows and the metrics count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from domain.enums import Permission
from domain.selection import Selected
from domain.viewer import Viewer
from resolvers.summary import OperationAnswer

_OPERATOR: Final = Viewer("operator", frozenset(Permission))


class Answers(Protocol):
    """A reader."""

    async def answer(self, roots: Sequence[Selected], viewer: Viewer, arrival: datetime) -> OperationAnswer:
        """Answer the root fields."""
        ...


def _leaves(type_name: str, names: str) -> tuple[Selected, ...]:
    return tuple(Selected(name, type_name, name) for name in names.split())


def _below(name: str, type_name: str, names: str) -> Selected:
    return Selected(name, "VendorAccount", name, {}, _leaves(type_name, names))


_SCOPE: Final = "kind region sweptAt resourceCount missingCount state reason breaker nextAllowedAt"
_ACCOUNTS: Final = Selected(
    "accounts",
    "Query",
    "accounts",
    {},
    (
        *_leaves("VendorAccount", "name vendor state lastError"),
        _below("budget", "AccountBudget", "remaining resetsAt"),
        _below("calls", "AccountCalls", "made saved"),
        _below("scopes", "VendorScope", _SCOPE),
    ),
)


async def account_status(reader: Answers, now: datetime) -> list[Mapping[str, Any]]:
    """Every account and its scopes. Asks no vendor."""
    answer = await reader.answer((_ACCOUNTS,), _OPERATOR, now)
    told = answer.answers["accounts"]
    if isinstance(told, Exception):
        raise told
    return told if isinstance(told, list) else []
