"""The state of every account, read through the graph. Used by `supplygraph accounts` and by the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from domain.enums import Permission
from domain.errors import ReaderError
from domain.selection import Selected
from domain.viewer import Viewer
from resolvers.reader import Reader, ReadRequest

_OPERATOR: Final = Viewer("operator", frozenset(Permission))


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


class AccountStatus:
    """Reads every account and its scopes. Asks no vendor. The statement is compiled once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._request: ReadRequest | None = None

    async def read(self, now: datetime) -> list[Mapping[str, Any]]:
        """Return the accounts as the graph shows them to an operator. Raises ReaderError, DatabaseUnavailable."""
        if self._request is None:
            self._request = await self._reader.compile((_ACCOUNTS,), _OPERATOR)
        answer = await self._reader.read(self._request, now)
        accounts: list[Mapping[str, Any]] | ReaderError = answer.values["accounts"]
        if isinstance(accounts, ReaderError):
            raise accounts
        return accounts
