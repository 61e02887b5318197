"""The viewer: the permissions and visible accounts of a request's token."""

from __future__ import annotations

from dataclasses import dataclass

from domain.enums import Permission
from domain.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Viewer:
    """The permissions and visible accounts of a token. If `accounts` is `None`, all accounts are visible."""

    name: str
    permissions: frozenset[Permission]
    accounts: frozenset[str] | None = None

    @property
    def rights(self) -> tuple[frozenset[Permission], frozenset[str] | None]:
        """Everything that determines what the viewer may read. Viewers with equal rights can share compiled operations."""
        return self.permissions, self.accounts

    def may(self, permission: Permission) -> bool:
        """Return whether the viewer has the permission. `admin` implies the others."""
        return permission in self.permissions or Permission.ADMIN in self.permissions

    def require(self, permission: Permission, action: str) -> None:
        """Raise Forbidden, naming the action, unless the viewer has the permission."""
        if not self.may(permission):
            raise Forbidden(f"{action} requires the permission '{permission.value}', which this token does not have.")

    def sees(self, account: str) -> bool:
        """Return whether the account is visible to the viewer."""
        return self.accounts is None or account in self.accounts
