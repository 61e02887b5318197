"""How Python names become names of the graph."""

from __future__ import annotations

from typing import Final

from strawberry.schema.name_converter import NameConverter

NAMES: Final = NameConverter(auto_camel_case=True)
"""`vendor_region` is `vendorRegion`. One converter for the whole schema."""
