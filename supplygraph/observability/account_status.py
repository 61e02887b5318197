"""The state of every account, read through the graph. Used by `supplygraph accounts` and by the metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from domain.enums import Permission
from domain.selection import Selected
from domain.viewer import Viewer
from resolvers.summary import OperationAnswer

_OPERATOR: Final = Viewer("operator", frozenset(Permission))


class StatusReader(Protocol):
    """The part of `resolvers.reader.Reader` that is needed here."""

    async def answer(self, roots: Sequence[Selected], viewer: Viewer, arrival: datetime) -> OperationAnswer:
        """Execute root fields of a query."""
        ...


def _scalar_fields(type_name: str, names: str) -> tuple[Selected, ...]:
    return tuple(Selected(name, type_name, name) for name in names.split())


def _nested_fields(name: str, type_name: str, names: str) -> Selected:
    return Selected(name, "VendorAccount", name, {}, _scalar_fields(type_name, names))


_SCOPE: Final = "kind region sweptAt resourceCount missingCount state reason breaker nextAllowedAt"
_ACCOUNTS: Final = Selected(
    "accounts",
    "Query",
    "accounts",
    {},
    (
        *_scalar_fields("VendorAccount", "name vendor state lastError"),
        _nested_fields("budget", "AccountBudget", "remaining resetsAt"),
        _nested_fields("calls", "AccountCalls", "made saved"),
        _nested_fields("scopes", "VendorScope", _SCOPE),
    ),
)


async def account_status(reader: StatusReader, now: datetime) -> list[Mapping[str, Any]]:
    """Return every account with its scopes, as an operator sees them. Makes no vendor calls."""
    result = await reader.answer((_ACCOUNTS,), _OPERATOR, now)
    accounts = result.answers["accounts"]
    if isinstance(accounts, Exception):
        raise accounts
    return accounts if isinstance(accounts, list) else []
