"""Selections written short, and readings finished without a reconciler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from db.query import Coverage, Reading, Readings
from db.query.account_state import VisibleAccounts
from db.query.annotated_text import sighting_of
from domain.enums import Permission, StaleReason
from domain.freshness import Assessment, assess
from domain.selection import Selected
from domain.viewer import Viewer
from tests.db_query.rows import NOW

EVERYONE: Final = Viewer("operator", frozenset({Permission.ADMIN}))

_TYPES: Final[Mapping[tuple[str, str], str]] = {
    ("Query", "resource"): "Resource",
    ("Query", "node"): "Resource",
    ("Query", "resources"): "ResourceConnection",
    ("Query", "resourceTotals"): "ResourceTotals",
    ("Query", "changes"): "ResourceChangeConnection",
    ("Query", "accounts"): "VendorAccount",
    ("Resource", "account"): "VendorAccount",
    ("Resource", "spec"): "ResourceSpec",
    ("Resource", "access"): "ResourceAccess",
    ("Resource", "linkedResources"): "LinkedResource",
    ("Resource", "offerHistory"): "OfferProvenance",
    ("Resource", "freshness"): "Freshness",
    ("Resource", "history"): "ResourceChangeConnection",
    ("LinkedResource", "freshness"): "Freshness",
    ("LinkedResource", "resource"): "Resource",
    ("OfferProvenance", "offer"): "Offer",
    ("ResourceChange", "resource"): "Resource",
    ("ResourceChangeConnection", "edges"): "ResourceChangeEdge",
    ("ResourceChangeConnection", "nodes"): "ResourceChange",
    ("ResourceChangeConnection", "pageInfo"): "PageInfo",
    ("ResourceChangeEdge", "node"): "ResourceChange",
    ("ResourceConnection", "edges"): "ResourceEdge",
    ("ResourceConnection", "nodes"): "Resource",
    ("ResourceConnection", "pageInfo"): "PageInfo",
    ("ResourceConnection", "coverage"): "ListCoverage",
    ("ResourceEdge", "node"): "Resource",
    ("ResourceTotals", "coverage"): "ListCoverage",
    ("ResourceTotals", "hourly"): "Money",
    ("ListCoverage", "gaps"): "CoverageGap",
    ("CoverageGap", "account"): "VendorAccount",
    ("VendorAccount", "scopes"): "VendorScope",
}


@dataclass(frozen=True)
class Ask:
    """A field to select: `f("name")`, or with key, arguments and fields below."""

    name: str
    fields: tuple[Ask, ...]
    arguments: Mapping[str, object]
    key: str

    def under(self, type_name: str) -> Selected:
        """As a selection of a type."""
        below = _TYPES.get((type_name, self.name), "")
        return Selected(
            self.key, type_name, self.name, self.arguments, tuple(each.under(below) for each in self.fields)
        )


def f(name: str, *fields: Ask | str, key: str | None = None, **arguments: object) -> Ask:
    """A field; texts below it are leaves, several in one text apart by spaces."""
    below: list[Ask] = []
    for each in fields:
        below.extend([f(leaf) for leaf in each.split()] if isinstance(each, str) else [each])
    return Ask(name, tuple(below), arguments, key or name)


def root(name: str, *fields: Ask | str, key: str | None = None, **arguments: object) -> Selected:
    """A root field."""
    return f(name, *fields, key=key, **arguments).under("Query")


@dataclass(frozen=True)
class Plainly:
    """Judges as if nothing had been asked: fresh within 30 s of NOW, else not demanded."""

    facts: VisibleAccounts
    now: datetime = NOW

    def judged(self, mark: bytes) -> Assessment:
        """By its scope."""
        sighting = sighting_of(mark)
        scope = self.facts.scopes[sighting.scope_id].facts
        return assess(sighting, scope, self.now - timedelta(seconds=30), self.now, StaleReason.NOT_DEMANDED)

    def coverage(self) -> Coverage:
        """Nothing is known to be missing."""
        return Coverage(None, ())


def finished(reading: Reading) -> Any:
    """The answer at NOW."""
    return reading.finish(Plainly(reading.facts), NOW)


async def read(readings: Readings, *asked: Selected, viewer: Viewer = EVERYONE) -> list[Reading]:
    """What is recorded of these root fields, read together."""
    found = await readings.read(readings.plan(asked, viewer))
    assert isinstance(found, list)
    return found


async def answered(engine: AsyncEngine, asked: Selected, viewer: Viewer = EVERYONE) -> Any:
    """The answer to one root field."""
    (reading,) = await read(Readings(engine), asked, viewer=viewer)
    return finished(reading)
