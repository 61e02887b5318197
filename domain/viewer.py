"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass

from domain.enums import Permission
from domain.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Viewer:
    """A token's permissions and visible accounts. `accounts` None sees all of them."""

    name: str
    permissions: frozenset[Permission]
    accounts: frozenset[str] | None = None

    @property
    def rights(self) -> tuple[frozenset[Permission], frozenset[str] | None]:
        """All of it that decides what may be read and how: tokens that are alike in it share what is prepared."""
        return self.permissions, self.accounts

    def may(self, permission: Permission) -> bool:
        """Whether the permission is held; `admin` implies the others."""
        return permission in self.permissions or Permission.ADMIN in self.permissions

    def require(self, permission: Permission, what: str) -> None:
        """Raise Forbidden, naming what was refused, unless the permission is held."""
        if not self.may(permission):
            raise Forbidden(f"{what} needs the permission '{permission.value}', which this token does not have.")

    def sees(self, account: str) -> bool:
        """Whether the account exists for this viewer."""
        return self.accounts is None or account in self.accounts
