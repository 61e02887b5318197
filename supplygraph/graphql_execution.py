"""One operation from its text to its answer: prepare, select, reduce, count, read once, render.

What is read is the answer's text already. An operation runs as a plan where nothing but root fields of ours is asked for:
then the texts go out as they are. Everything else is rendered by graphql-core, from the same texts decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import orjson
from graphql import ExecutionResult, GraphQLError, execute_sync, located_error

from domain.cache import SegmentedLRUCache
from domain.errors import Busy, Forbidden, ReaderError
from domain.rules import OperationLimits
from domain.selection import TYPENAME
from domain.viewer import Viewer
from resolvers.reader import Prepared
from resolvers.reduce import Place
from schema.build import Answers, Graph
from supplygraph.graphql_errors import ErrorMasker, ToldError, codes_of, payload, told_field_error, told_reader_error
from supplygraph.graphql_plans import Planned
from supplygraph.graphql_preparing import Preparer, Preparing, Ready, Rejected
from supplygraph.http.graphql_request import LARGE_BYTES, Asked, Refused
from supplygraph.workbench import CompileWorker

_ROOT_TYPE: Final = b'"Query"'
_SCHEMA_KEPT: Final = 4


class Summary(Protocol):
    """The truth about the ages in one answer."""

    def to_extensions(self) -> Mapping[str, object]:
        """What `extensions.freshness` holds."""
        ...


class OperationAnswer(Protocol):
    """What a reading answers: for the response key of each root field its data, or the error to tell in its place."""

    @property
    def texts(self) -> Mapping[str, bytes | ReaderError]:
        """Data as JSON by response key all the way down, enums upper-case names, instants canonical text."""
        ...

    @property
    def answers(self) -> Mapping[str, object]:
        """The same, decoded."""
        ...

    @property
    def summary(self) -> Summary:
        """Of the whole operation."""
        ...


class Reader(Preparer, Protocol):
    """What answers the root fields of one operation, together."""

    async def run(self, prepared: Prepared, arrival: datetime) -> OperationAnswer:
        """Read, reconcile what is demanded, read once more."""
        ...


@dataclass(slots=True)
class Outcome:
    """A response's body, and its status in each media type: `json_status` is for application/json.

    `codes` are those of the errors in it. Not frozen: one is made for each request.
    """

    content: bytes
    status: int = 200
    json_status: int = 200
    operation_name: str | None = None
    codes: tuple[str, ...] = ()


@dataclass(slots=True)
class OperationCounts:
    """How many operations that were valid ran as plans, and how many graphql-core rendered, since the start."""

    plans: int = 0
    rendered: int = 0


class Operations:
    """Runs operations over one graph. Without `plans` graphql-core renders every one of them."""

    def __init__(
        self,
        graph: Graph,
        reader: Reader,
        limits: OperationLimits,
        faults: ErrorMasker,
        *,
        plans: bool = True,
        ran: Callable[[bool], None] = lambda _: None,
        workbench: CompileWorker | None = None,
    ) -> None:
        """`ran` is told of each operation whether it ran as a plan."""
        self.counts = OperationCounts()
        self.preparing = Preparing(graph, reader, limits, workbench or CompileWorker(), plans=plans)
        self._core = graph.core
        self._reader = reader
        self._limits = limits
        self._faults = faults
        self._ran = ran
        self._of_the_schema: SegmentedLRUCache[tuple[str, str | None], Outcome] = SegmentedLRUCache(
            _SCHEMA_KEPT, _SCHEMA_KEPT
        )

    async def hot(
        self, text: str, name: str | None, variables: Mapping[str, object], viewer: Viewer, arrival: datetime
    ) -> Outcome | None:
        """The answer of an operation that was planned before; None where `run` must answer, which tells what is amiss."""
        try:
            found = self.preparing.kept.find(text, name, variables, viewer)
            if found is None:
                return None
            outcome = await self._planned(*found, arrival)
        except Exception:  # noqa: BLE001 - it is met again, and told, where `run` answers
            return None
        self._count(planned=True)
        self.preparing.workbench.other_answered()
        return outcome

    async def run(self, asked: Asked, viewer: Viewer, arrival: datetime, *, queries_only: bool) -> Outcome:
        """Answer one request. `queries_only` refuses other operations with 405, as GET must.

        Raises Refused for that, and where too many wait.
        """
        try:
            ready = await self.preparing.prepare(asked, viewer, queries_only=queries_only)
            if not isinstance(ready, Ready):
                self._count(planned=True)
                return await self._planned(*ready, arrival)
            return await self._answered(ready, asked, arrival)
        except Busy as error:
            raise Refused(error.http_status, error, {"Retry-After": "1"}) from None
        except Rejected as rejected:
            return told_outcome(rejected.errors[: self._limits.errors], 400, 200)
        except Forbidden as error:
            # Refused before anything ran: that is the request's fate, whatever the media type.
            return told_outcome([told_reader_error(error)], error.http_status, error.http_status)
        except ReaderError as error:
            return told_outcome([told_reader_error(error)], error.http_status, 200)

    @property
    def fills(self) -> Mapping[str, float]:
        """How full each cache is, 1 at its bound, and how full the workbench."""
        own = self.preparing
        return {"documents": own.documents.fill, "plans": own.kept.fill, "workbench": own.workbench.fill}

    def _count(self, *, planned: bool) -> None:
        if planned:
            self.counts.plans += 1
        else:
            self.counts.rendered += 1
        self._ran(planned)

    async def _planned(self, planned: Planned, prepared: Prepared, arrival: datetime) -> Outcome:
        answer = await self._reader.run(prepared, arrival)
        return self._spliced(planned.places, answer, planned.name)

    async def _answered(self, ready: Ready, asked: Asked, arrival: datetime) -> Outcome:
        if ready.planned:
            self._count(planned=True)
        answer = None if ready.prepared is None else await self._reader.run(ready.prepared, arrival)
        if ready.planned:
            return self._spliced(ready.reduction.places, answer, ready.name)
        outcome = await self._rendered(ready, asked, answer)
        self._count(planned=False)
        return outcome

    async def _rendered(self, ready: Ready, asked: Asked, answer: OperationAnswer | None) -> Outcome:
        answers = {} if answer is None else answer.answers
        if not ready.reduction.introspects:
            return self._told_of(self._executed(ready, asked, answers), answer, ready)
        # What is told of the schema takes long, and where nothing is asked beside it is always the same.
        key = asked.query, asked.operation_name
        always = answer is None and not ready.operation.variable_definitions and asked.size <= LARGE_BYTES
        known = self._of_the_schema.get(key) if always else None
        if known is None:
            result = await self.preparing.workbench.run(self._executed, ready, asked, answers)
            known = self._told_of(result, answer, ready)
            if always:
                self._of_the_schema.add(key, known)
        return known

    def _spliced(self, places: Sequence[Place], answer: OperationAnswer | None, name: str | None) -> Outcome:
        """The answer out of the texts, with errors where graphql-core would tell them."""
        texts: Mapping[str, bytes | ReaderError] = {} if answer is None else answer.texts
        errors: list[ToldError] = []
        found: list[bytes] = []
        for place in places:
            text = _ROOT_TYPE if place.name == TYPENAME else texts[place.key]
            if isinstance(text, ReaderError):
                errors.append(self._told(located_error(text, list(place.nodes), [place.key])))
                if not place.nullable:
                    return _spliced([b"null"], errors, answer, name)
                text = b"null"
            found += (b',"' if found else b'{"', place.key.encode(), b'":', text)
        return _spliced([*found, b"}" if found else b"{}"], errors[: self._limits.errors], answer, name)

    def _executed(self, ready: Ready, asked: Asked, answers: Mapping[str, object]) -> ExecutionResult:
        return execute_sync(
            self._core,
            ready.document,
            context_value=Answers(answers),
            variable_values=dict(asked.variables),
            operation_name=asked.operation_name,
        )

    def _told_of(self, result: ExecutionResult, answer: OperationAnswer | None, ready: Ready) -> Outcome:
        errors = [self._told(error) for error in (result.errors or ())[: self._limits.errors]]
        return _spliced([orjson.dumps(result.data)], errors, answer, ready.name)

    def _told(self, error: GraphQLError) -> ToldError:
        return told_field_error(error, self._faults)


def told_outcome(errors: Sequence[ToldError], status: int, json_status: int) -> Outcome:
    """An answer that holds errors alone."""
    return Outcome(orjson.dumps(payload(errors)), status, json_status, codes=codes_of(errors))


def _spliced(
    data: Sequence[bytes], errors: Sequence[ToldError], answer: OperationAnswer | None, name: str | None
) -> Outcome:
    """The body out of the pieces of its data, which may be long: copied once."""
    told = b'"errors":%b,' % orjson.dumps(errors) if errors else b""
    freshness = None if answer is None else {"freshness": answer.summary.to_extensions()}
    behind = b"}" if freshness is None else b',"extensions":%b}' % orjson.dumps(freshness)
    body = b"".join((b"{", told, b'"data":', *data, behind))
    return Outcome(body, operation_name=name, codes=codes_of(errors))
