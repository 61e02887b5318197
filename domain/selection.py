"""Selected fields, after fragments, `@skip` and `@include`; and which fields the vendor owns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from domain.records.fields import RESOURCE_FIELDS

TYPENAME: Final = "__typename"
"""The field that every type has: the name of the type."""

LIVE_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "Resource": frozenset({
        *(field.graph_name for field in RESOURCE_FIELDS),
        *("status", "access", "spec", "linkedResources"),
        *("pricingTotalHourly", "currency", "pricingSource", "pricingAsOf"),
    }),
    "LinkedResource": frozenset({"name", "status"}),
    "ResourceTotals": frozenset({"status", "gpuType", "gpuCount", "hourly", "unpricedCount"}),
}  # fmt: skip
"""Type name to the fields that the vendor owns. All other fields are recorded by the gateway and never cost a vendor call."""


@dataclass(frozen=True, slots=True)
class Selected:
    """One selected field: its response key, its name in the schema, its coerced arguments and the fields below it.

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
        """Return the selected fields of this name, one for each response key."""
        return tuple(child for child in self.fields if child.name == name)
