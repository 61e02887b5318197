"""Reading root fields: statements are compiled once a shape and kept; the roots of an operation see one record."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cachetools import LRUCache
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.engine import reading
from db.reading.bounded import bounded
from db.reading.facts import Facts, read_facts
from db.reading.finish import Finishing, Judging, Seen
from db.reading.shape import VIEWER, Shape, Value, shaped
from db.reading.statement import DemandShape, Statement, compile_root
from domain.errors import LimitExceeded
from domain.running import NOT_RUNNING, Running
from domain.selection import Selected
from domain.viewer import Viewer

CACHED: Final = 512


@dataclass(frozen=True, slots=True)
class Plan:
    """A root field ready to be read: its statement and the values to bind."""

    key: str
    statement: Statement
    values: Mapping[str, Value]

    @property
    def name(self) -> str:
        """The root field's name in the schema."""
        return self.statement.shape.name

    @property
    def demand(self) -> DemandShape:
        """What there is to demand."""
        return self.statement.demand


@dataclass(frozen=True, slots=True)
class Reading:
    """What a statement answered: the facts, and data that becomes the answer when it is finished, once."""

    plan: Plan
    facts: Facts
    data: Any
    running: Running = NOT_RUNNING

    def seen(self) -> Iterator[Seen]:
        """Every resource in the answer whose age matters; one that is selected twice comes twice."""
        return self.plan.statement.finisher.seen(self.data, self.plan.values)

    def finish(self, judging: Judging, now: datetime) -> Any:
        """The answer: JSON-able, by response keys."""
        finishing = Finishing(self.plan.values, self.facts, now, judging, self.running)
        return self.plan.statement.finisher.finish(self.data, finishing)


class Readings:
    """Reads root fields from one database. Keeps at most `cached` compiled statements.

    `running` tells what the record does not know, where a gateway runs.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        timeout_seconds: float = 5,
        cached: int = CACHED,
        *,
        running: Running = NOT_RUNNING,
    ) -> None:
        self._engine = engine
        self._running = running
        self._timeout_seconds = timeout_seconds
        self._statements: LRUCache[tuple[Shape, bool], Statement] = LRUCache(cached)

    def plan(self, root: Selected, viewer: Viewer) -> Plan:
        """Check the arguments and find the statement. Raises BadUserInput."""
        shape, values = shaped(root)
        restricted = viewer.accounts is not None
        if viewer.accounts is not None:
            values[VIEWER] = json.dumps(sorted(viewer.accounts))
        statement = self._statements.get((shape, restricted))
        if statement is None:
            statement = compile_root(shape, restricted, self._engine.dialect)
            self._statements[shape, restricted] = statement
        return Plan(root.key, statement, values)

    async def read(self, plans: Sequence[Plan]) -> list[Reading | LimitExceeded]:
        """Read them in one transaction, one statement each. One that takes too long is refused, and not the others."""
        async with reading(self._engine) as connection:
            return [await self._read(connection, plan, last=plan is plans[-1]) for plan in plans]

    async def _read(self, connection: AsyncConnection, plan: Plan, *, last: bool) -> Reading | LimitExceeded:
        statement = plan.statement
        try:
            async with bounded(connection, self._timeout_seconds, last=last):
                result = await connection.exec_driver_sql(statement.sql, statement.parameters(plan.values))
        except TimeoutError:
            allowed = math.ceil(self._timeout_seconds)
            return LimitExceeded("seconds of reading", allowed, allowed + 1)
        row: Any = result.one()
        return Reading(plan, read_facts(row[1]), json.loads(row[0]), self._running)
