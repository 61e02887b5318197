"""Reading root fields: statements are compiled once a shape and kept; the root fields of an operation are one statement."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from threading import Lock
from typing import Any, Final
from weakref import WeakValueDictionary

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from db.connections import EngineReader, RowReader
from db.query.account_state import VisibleAccounts, read_facts
from db.query.annotated_text import AnnotatedText, Placeholder, Seen, seen_of
from db.query.placeholders import Judging, PlaceholderFiller, RenderContext
from db.query.results import KEPT_BYTES, ResultCache, size_of
from db.query.revision_reader import RevisionReader
from db.query.shape import VIEWER, Shape, Value, shaped
from db.query.sql.statement import (
    DemandShape,
    FactsStatement,
    Part,
    RootsStatement,
    Statement,
    compile_at_once,
    compile_facts,
    compile_roots,
    facts_needed,
)
from domain.cache import LRUCache, SegmentedLRUCache
from domain.errors import LimitExceeded
from domain.runtime_stats import NO_RUNTIME_STATS, RuntimeStats
from domain.selection import Selected
from domain.viewer import Viewer

CACHED: Final = 512
_FACTS_KEPT: Final = 256
# The values that they were asked with are kept with them, and a filter may be as long as a request.
_LONGEST_ASKED: Final = 16_384


@dataclass(slots=True)
class Plan:
    """Root fields ready to be read: their statement and the values to bind. Not frozen: one is made for each request."""

    statement: RootsStatement
    values: Mapping[str, Value]

    def bound(self, values: Mapping[str, Value]) -> Plan:
        """The same with these values in their places."""
        return Plan(self.statement, {**self.values, **values})

    def without(self, names: Collection[str]) -> Plan:
        """The same without values in these places."""
        return Plan(self.statement, {name: value for name, value in self.values.items() if name not in names})


@dataclass
class Reading:
    """What a statement answered of one root field: the facts, and a text that becomes the answer when its holes are filled.

    Not frozen: some are made for each request.
    """

    part: Part
    facts: VisibleAccounts
    marked: AnnotatedText
    running: RuntimeStats = NO_RUNTIME_STATS

    @property
    def name(self) -> str:
        """The root field's name in the schema."""
        return self.part.shape.name

    @property
    def demand(self) -> DemandShape:
        """What there is to demand."""
        return self.part.demand

    @cached_property
    def seen(self) -> tuple[Seen, ...]:
        """Every resource in the answer whose age matters; one that is selected in two ways may come twice."""
        return tuple(seen_of(mark) for mark in sorted(self.marked.sightings))

    def text(self, judging: Judging, now: datetime) -> bytes:
        """The answer: JSON, by response keys."""
        holes = self.part.holes
        if not holes:
            return self.marked.bare
        return _filled(self.marked, holes, RenderContext(self.facts, now, judging, self.running))

    def finish(self, judging: Judging, now: datetime) -> Any:
        """The answer, decoded."""
        return json.loads(self.text(judging, now))


def _filled(marked: AnnotatedText, holes: Sequence[PlaceholderFiller], finishing: RenderContext) -> bytes:
    """The text with its holes filled. What is alike in many places is made once."""
    made: dict[tuple[int, bytes, int | None], bytes] = {}

    def fill(hole: Placeholder) -> bytes:
        around = None if hole.around is None else id(finishing.judging.judged(hole.around))
        key = hole.number, hole.ingredient, around
        if key not in made:
            made[key] = _fill(hole, holes, finishing)
        return made[key]

    return marked.filled(fill)


def _fill(piece: Placeholder, holes: Sequence[PlaceholderFiller], finishing: RenderContext) -> bytes:
    inside = finishing if piece.around is None else finishing.within(piece.around)
    value = json.loads(piece.ingredient) if piece.ingredient else None
    return orjson.dumps(holes[piece.number].finish(value, inside))


class Unwritten(Exception):
    """The statement is not kept, and was not to be written."""


class Readings:
    """Reads root fields from one database. Keeps at most `cached` compiled statements, and half as many new ones.

    `running` tells what the record does not know, where a gateway runs. Without `connections` the engine's own are used.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        timeout_seconds: float = 5,
        cached: int = CACHED,
        *,
        running: RuntimeStats = NO_RUNTIME_STATS,
        connections: RowReader | None = None,
        kept_bytes: int = KEPT_BYTES,
    ) -> None:
        self._connections = connections or EngineReader(engine, timeout_seconds)
        self._dialect = engine.dialect
        self._running = running
        self._versions = RevisionReader(self._connections, engine.dialect)
        self._texts = ResultCache(kept_bytes)
        # Statements may be asked for from several threads, everything else on the event loop alone.
        self._writing = Lock()
        self._statements: SegmentedLRUCache[tuple[object, bool], RootsStatement] = SegmentedLRUCache(
            cached, cached // 2
        )
        # Plans hold statements that are forgotten here; two of one shape would not share the texts that are kept.
        self._held: MutableMapping[tuple[object, bool], RootsStatement] = WeakValueDictionary()
        self._facts_statements: SegmentedLRUCache[tuple[object, bool], FactsStatement] = SegmentedLRUCache(
            cached, cached // 2
        )
        self._facts: LRUCache[tuple[object, ...], VisibleAccounts] = LRUCache(_FACTS_KEPT)
        self._whole: LRUCache[int, Statement] = LRUCache(cached)

    def plan(self, roots: Sequence[Selected], viewer: Viewer, *, write: bool = True) -> Plan:
        """Check the arguments and find the statement, from whichever thread. Raises BadUserInput.

        A statement that is new takes milliseconds to write: unless `write`, raises Unwritten.
        """
        shapes, values = shaped(roots)
        restricted = viewer.accounts is not None
        if viewer.accounts is not None:
            values[VIEWER] = json.dumps(sorted(viewer.accounts))
        return Plan(self._statement(shapes, restricted, write=write), values)

    def _statement(self, shapes: tuple[Shape, ...], restricted: bool, *, write: bool = True) -> RootsStatement:
        key = shapes, restricted
        with self._writing:
            known = self._statements.get(key) or self._held.get(key)
        if known is not None:
            return known
        if not write:
            raise Unwritten
        facts_of = partial(self._facts_statement, restricted=restricted)
        statement = compile_roots(shapes, restricted, self._dialect, facts_of)
        with self._writing:
            # All go by whoever was first: texts are kept by the statement's number.
            first = self._held.setdefault(key, statement)
            self._statements.add(key, first)
        return first

    def _facts_statement(self, root: Shape, *, restricted: bool) -> FactsStatement:
        key = facts_needed(root), restricted
        with self._writing:
            known = self._facts_statements.get(key)
        if known is not None:
            return known
        statement = compile_facts(root, restricted, self._dialect)
        with self._writing:
            self._facts_statements.add(key, statement)
        return statement

    def apart(self, plan: Plan) -> list[Plan]:
        """Each root field of the plan as a plan of its own, with the same values."""
        restricted = VIEWER in plan.values
        return [Plan(self._statement((part.shape,), restricted), plan.values) for part in plan.statement.parts]

    @property
    def fills(self) -> Mapping[str, float]:
        """How full each cache is, 1 at its bound."""
        return {
            "texts": self._texts.fill,
            "statements": self._statements.fill,
            "facts_statements": self._facts_statements.fill,
            "facts": self._facts.fill,
            "statements_at_once": self._whole.fill,
        }

    async def close(self) -> None:
        """Close what was opened to read."""
        await self._connections.close()

    async def read(self, plan: Plan) -> list[Reading] | LimitExceeded:
        """Read them by their one statement, or as they are kept; and the facts where none are kept of this version of the record.

        A statement that takes too long is refused. Raises RecordUnavailable.
        """
        statement, values = plan.statement, plan.values
        try:
            version, texts = await self._texts_of(statement, values)
            facts = await self._facts_of(statement, values, version)
            if facts is None:
                texts, facts = await self._at_once(plan)
        except TimeoutError:
            allowed = math.ceil(self._connections.seconds)
            return LimitExceeded("seconds of reading", allowed, allowed + 1)
        return [Reading(part, facts[part.facts], texts[part.text], self._running) for part in statement.parts]

    async def _texts_of(
        self, statement: RootsStatement, values: Mapping[str, Value]
    ) -> tuple[int | None, Sequence[AnnotatedText]]:
        """The texts and the version of the record at which they are what is read."""
        parameters = statement.parameters(values)
        key = statement.number, parameters
        kept = self._texts.get(key)
        if kept is not None and await self._versions.now() == kept.version:
            return kept.version, kept.texts
        *written, version = await self._connections.row(statement.sql, parameters)
        texts = [AnnotatedText(text) for text in written]
        self._texts.add(key, version, texts)
        return version, texts

    async def _facts_of(
        self, statement: RootsStatement, values: Mapping[str, Value], version: int | None
    ) -> Sequence[VisibleAccounts] | None:
        """The facts at that version of the record; None where it has none, or has another by now."""
        if version is None:
            return None
        told: list[VisibleAccounts] = []
        for each in statement.facts:
            parameters = each.parameters(values)
            facts = self._facts.get((version, each.needs, parameters))
            if facts is None:
                document, at = await self._connections.row(each.sql, parameters)
                facts = self._read(document, at, each, parameters)
                if at != version:
                    return None
            told.append(facts)
        return told

    async def _at_once(self, plan: Plan) -> tuple[Sequence[AnnotatedText], Sequence[VisibleAccounts]]:
        """Texts and facts by one statement: however often the record is changed, both are of one version of it."""
        statement = plan.statement
        whole = self._whole.get(statement.number)
        if whole is None:
            whole = compile_at_once(statement, VIEWER in plan.values, self._dialect)
            self._whole.add(statement.number, whole)
        *columns, version = await self._connections.row(whole.sql, whole.parameters(plan.values))
        written, documents = columns[: len(statement.parts)], columns[len(statement.parts) :]
        facts = [
            self._read(document, version, each, each.parameters(plan.values))
            for each, document in zip(statement.facts, documents, strict=True)
        ]
        return [AnnotatedText(text) for text in written], facts

    def _read(
        self, document: bytes, version: int | None, statement: FactsStatement, parameters: tuple[object, ...]
    ) -> VisibleAccounts:
        facts = read_facts(document)
        if version is not None and size_of(parameters) <= _LONGEST_ASKED:
            self._facts.add((version, statement.needs, parameters), facts)
        return facts
