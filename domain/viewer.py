"""The reader of a request: what its token may do and see."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from domain.enums import Permission
from domain.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Viewer:
    """A token's permissions and visible accounts; `accounts` None sees all of them. `accounts_json` is the sorted JSON array."""

    name: str
    permissions: frozenset[Permission]
    accounts: frozenset[str] | None = None
    accounts_json: str | None = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        # Bound in every statement of a restricted viewer, so it is written once.
        text = None if self.accounts is None else json.dumps(sorted(self.accounts))
        object.__setattr__(self, "accounts_json", text)

    def may(self, permission: Permission) -> bool:
        """Return whether the permission is held; `admin` implies the others."""
        return permission in self.permissions or Permission.ADMIN in self.permissions

    def require(self, permission: Permission, subject: str) -> None:
        """Raise Forbidden, naming what was refused, unless the permission is held."""
        if not self.may(permission):
            raise Forbidden(f"{subject} needs the permission '{permission.value}', which this token does not have.")

    def sees(self, account: str) -> bool:
        """Return whether the account exists for this viewer."""
        return self.accounts is None or account in self.accounts
