"""Selections in a short notation, and answers without a reconciler."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from db.connections import EngineReader, RowReader
from db.query.account_state import VisibleAccounts
from db.query.annotated_text import sighting_of
from db.query.placeholders import Coverage
from db.query.reader import QueryReader, RootResult
from db.query.results import CACHE_BYTES
from db.query.shape import Shape, Value, build_shapes
from db.query.sql.statement import OperationStatement, StatementCompiler
from domain.enums import Permission, StaleReason
from domain.errors import LimitExceeded
from domain.freshness import Assessment, assess
from domain.selection import Selected
from domain.viewer import Viewer
from resolvers.reader import viewer_params
from tests.db_query.support.rows import NOW

EVERYONE: Final = Viewer("operator", frozenset({Permission.ADMIN}))
"""A viewer who sees every account."""

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
class FieldChoice:
    """A field to select. `f` creates it."""

    name: str
    fields: tuple[FieldChoice, ...]
    arguments: Mapping[str, object]
    key: str

    def select_on(self, type_name: str) -> Selected:
        """Return the selection of this field on a type."""
        field_type = _TYPES.get((type_name, self.name), "")
        fields = tuple(child.select_on(field_type) for child in self.fields)
        return Selected(self.key, type_name, self.name, self.arguments, fields)


def f(name: str, *fields: FieldChoice | str, key: str | None = None, **arguments: object) -> FieldChoice:
    """Return a field to select. A text among the fields below it holds names of leaves, separated by spaces."""
    children: list[FieldChoice] = []
    for child in fields:
        children.extend([f(leaf) for leaf in child.split()] if isinstance(child, str) else [child])
    return FieldChoice(name, tuple(children), arguments, key or name)


def root(name: str, *fields: FieldChoice | str, key: str | None = None, **arguments: object) -> Selected:
    """Return the selection of a root field."""
    return f(name, *fields, key=key, **arguments).select_on("Query")


@dataclass(frozen=True)
class SteadyJudge:
    """Judges resources as if nothing was demanded: fresh if seen in the 30 s before `now`, else not demanded."""

    accounts: VisibleAccounts
    now: datetime = NOW

    def assess(self, annotation: bytes) -> Assessment:
        """Assess a resource by its scope."""
        sighting = sighting_of(annotation)
        scope = self.accounts.scopes[sighting.scope_id].facts
        return assess(sighting, scope, self.now - timedelta(seconds=30), self.now, StaleReason.NOT_DEMANDED)

    def coverage(self) -> Coverage:
        """Report no gaps."""
        return Coverage(None, ())


@dataclass(frozen=True)
class CompiledQuery:
    """Compiled root fields with their bound values."""

    statement: OperationStatement
    params: Mapping[str, Value]


class Queries:
    """Compiles root fields, each shape once, and reads them."""

    def __init__(
        self, engine: AsyncEngine, seconds: float = 5, *, rows: RowReader | None = None, cache_bytes: int = CACHE_BYTES
    ) -> None:
        self._compiler = StatementCompiler(engine.dialect)
        self._reader = QueryReader(rows or EngineReader(engine, seconds), engine.dialect, cache_bytes=cache_bytes)
        self._statements: dict[tuple[tuple[Shape, ...], bool], OperationStatement] = {}

    def compile(self, roots: Sequence[Selected], viewer: Viewer) -> CompiledQuery:
        """Compile root fields for a viewer. Raises BadUserInput."""
        shapes, params = build_shapes(roots)
        key = shapes, viewer.accounts is not None
        if key not in self._statements:
            self._statements[key] = self._compiler.compile(shapes, restricted=viewer.accounts is not None)
        return CompiledQuery(self._statements[key], viewer_params(viewer, params))

    async def read(self, query: CompiledQuery) -> list[RootResult] | LimitExceeded:
        """Read a compiled query."""
        return await self._reader.read(query.statement, query.params)


def render(result: RootResult) -> Any:
    """Return the answer of a root field at NOW."""
    return json.loads(result.render(SteadyJudge(result.accounts), NOW))


async def read(queries: Queries, *roots: Selected, viewer: Viewer = EVERYONE) -> list[RootResult]:
    """Read root fields together."""
    results = await queries.read(queries.compile(roots, viewer))
    assert isinstance(results, list)
    return results


async def fetch(engine: AsyncEngine, root_field: Selected, viewer: Viewer = EVERYONE) -> Any:
    """Return the answer of one root field."""
    (result,) = await read(Queries(engine), root_field, viewer=viewer)
    return render(result)
