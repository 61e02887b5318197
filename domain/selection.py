"""What an operation really asks for, after fragments, `@skip` and `@include`; and which fields the vendor owns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

TYPENAME: Final = "__typename"
"""The field that every type has: the type's own name."""

LIVE_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "Resource": frozenset({
        "name", "status", "vendorStatus", "statusMessage", "access", "spec", "linkedResources", "pricingTotalHourly",
        "currency", "pricingSource", "pricingAsOf", "validFrom", "validTo",
    }),
    "LinkedResource": frozenset({"name", "status"}),
    "ResourceTotals": frozenset({"status", "gpuType", "gpuCount", "hourly", "unpricedCount"}),
}  # fmt: skip
"""Type name to the fields that the vendor owns. Everything else is our own record and never costs a vendor call."""


@dataclass(frozen=True, slots=True)
class Selected:
    """One selected field: its response key, its name in the schema, its coerced arguments and what is selected below it.

    `fields` are unique by key; a leaf has none. `__typename` is one of them.
    """

    key: str
    type_name: str
    name: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    fields: tuple[Selected, ...] = ()

    @property
    def live(self) -> bool:
        """Whether the vendor owns this field."""
        return self.name in LIVE_FIELDS.get(self.type_name, ())

    def named(self, name: str) -> tuple[Selected, ...]:
        """The selected fields of this name, one for each response key."""
        return tuple(child for child in self.fields if child.name == name)
