"""New texts are made ready beside the event loop: whoever asks for what is planned does not wait for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from graphql import parse, specified_rules, validate
from supplygraph.graphql_preparing import Found, Preparing
from supplygraph.graphql_rules import RULES
from supplygraph.http.graphql_request import Asked
from supplygraph.workbench import CompileWorker

from db.query import reader
from domain.enums import Permission
from domain.errors import Busy
from domain.viewer import Viewer
from supplygraph import graphql_documents, graphql_execution
from tests.app.harness import GatewayHarness, run_gateway
from tests.graphql_http.gateway import graph

_PLANNED: Final = "{ resources { nodes { name } } }"
_NEW: Final = "{ resources { nodes { status } } }"
_SCHEMA: Final = "{ __schema { types { name } } }"
_LONGEST_SECONDS: Final = 60


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[GatewayHarness]:
    """A gateway that answers."""
    async with run_gateway(tmp_path) as started:
        yield started


def _pieces(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is handed to workbenches from now on."""
    pieces, run = list[object](), CompileWorker.run

    async def noted(bench: CompileWorker, work: Any, *given: Any, **named: Any) -> Any:
        pieces.append(work)
        return await run(bench, work, *given, **named)

    monkeypatch.setattr(CompileWorker, "run", noted)
    return pieces


class Held:
    """Work that goes on when it is told to, and is counted."""

    def __init__(self, work: Callable[..., Any]) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()
        self.count = 0
        self._work = work

    def done(self, *given: Any, **named: Any) -> Any:
        """The work, later."""
        self.count += 1
        self.begun.set()
        assert self.go.wait(_LONGEST_SECONDS)
        return self._work(*given, **named)


@contextmanager
def _held(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType = graphql_documents, name: str = "validate"
) -> Iterator[Held]:
    held = Held(getattr(module, name))
    with monkeypatch.context() as patching:
        patching.setattr(module, name, held.done)
        try:
            yield held
        finally:
            held.go.set()


async def _begun(held: Held) -> None:
    assert await asyncio.to_thread(held.begun.wait, _LONGEST_SECONDS)


async def test_what_is_planned_is_answered_while_a_new_text_is_made_ready(
    up: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the short way, and by the long one, which a browser's headers take."""
    headers = await up.token()
    expected = [await up.graph(_PLANNED, headers) for _ in range(2)][-1]
    with _held(monkeypatch) as held:
        new = asyncio.create_task(up.graph(_NEW, headers))
        await _begun(held)
        for more in ({}, {"Cookie": "theme=dark"}):
            told = await asyncio.wait_for(up.graph(_PLANNED, {**headers, **more}), _LONGEST_SECONDS)
            assert expected["data"] == told["data"]
        assert not new.done()
        held.go.set()
        assert "errors" not in await new


async def test_a_new_statement_of_a_known_text_is_written_beside_the_loop(
    up: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that holds another kind of filter needs one."""
    headers = await up.token()
    query = "query ($f: ResourceFilter) { resources(filter: $f) { nodes { name } } }"
    asked = [{"query": query, "variables": {"f": told}} for told in ({"vendor": ["sandbox"]}, {"nameContains": "a"})]
    for _ in range(2):
        await up.client.post("/graphql", json=asked[0], headers=headers)
    with _held(monkeypatch, reader, "compile_roots") as held:
        new = asyncio.create_task(up.client.post("/graphql", json=asked[1], headers=headers))
        await _begun(held)
        answer = await asyncio.wait_for(up.client.post("/graphql", json=asked[0], headers=headers), _LONGEST_SECONDS)
        assert 200 == answer.status_code
        assert not new.done()
        held.go.set()
        assert "errors" not in (await new).json()


async def test_known_kinds_do_not_wait_for_another_kind_of_the_same_text(
    up: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other rights, another page size, a value that is amiss: nothing new is needed for them."""
    headers, other = await up.token(), await up.token(Permission.READ)
    query = "query ($f: ResourceFilter, $n: Int) { resources(filter: $f, first: $n) { nodes { name } } }"

    def asked(whose: dict[str, str], **variables: Any) -> Any:
        return up.client.post("/graphql", json={"query": query, "variables": variables}, headers=whose)

    await asked(headers, f={"vendor": ["sandbox"]}, n=5)
    with _held(monkeypatch, reader, "compile_roots") as held:
        new = asyncio.create_task(asked(headers, f={"nameContains": "a"}, n=5))
        await _begun(held)
        for whose, values, errors in (
            (other, {"f": {"vendor": ["sandbox"]}, "n": 5}, False),
            (headers, {"f": {"vendor": ["aws"]}, "n": 7}, False),
            (headers, {"f": {"vendor": ["aws"]}, "n": "x"}, True),
        ):
            told = await asyncio.wait_for(asked(whose, **values), _LONGEST_SECONDS)
            assert errors == ("errors" in told.json())
        assert not new.done()
        held.go.set()
        await new


async def test_what_is_planned_stays_known_beside_a_flood(up: GatewayHarness) -> None:
    """Its document is held by its plans, though it is no longer kept among documents."""
    headers, preparing = await up.token(), up.operations.preparing
    query = "query ($n: Int!) { resources(first: $n) { nodes { vendorId } } }"
    for _ in range(2):
        await up.client.post("/graphql", json={"query": query, "variables": {"n": 2}}, headers=headers)
    for number in range(300):
        preparing.documents.prepare(f"{{ a{number}: accounts {{ name }} }} #{'x' * 2_000}")
    assert preparing.documents.kept(query) is None
    asked = Asked(query, {"n": 3})
    viewer = Viewer("t", frozenset({Permission.READ}))
    # Which does nothing more.
    preparing.workbench.close()
    found = await preparing.prepare(asked, viewer, queries_only=False)
    assert not isinstance(found, tuple)
    assert found.prepared is not None


async def test_large_requests_are_made_ready_beside_the_loop(
    up: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time: to look at their values takes as long as a new text."""
    headers, pieces = await up.token(), _pieces(monkeypatch)
    query = "query ($f: ResourceFilter) { resources(filter: $f) { nodes { name } } }"
    names = [f"machine-{number:06}" for number in range(5_000)]
    for number in range(1, 4):
        asked = {"query": query, "variables": {"f": {"vendorId": names}}}
        answer = await up.client.post("/graphql", json=asked, headers=headers)
        assert {"nodes": []} == answer.json()["data"]["resources"]
        assert number == len(pieces)


async def test_what_asks_of_the_schema_beside_data_is_told_beside_the_loop(
    up: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are answered meanwhile."""
    headers = await up.token()
    for _ in range(2):
        await up.graph(_PLANNED, headers)
    query = "{ accounts { name } __schema { types { name fields { name } } } }"
    first = await up.graph(query, headers)
    with _held(monkeypatch, graphql_execution, "execute_sync") as held:
        asking = asyncio.create_task(up.graph(query, headers))
        await _begun(held)
        assert "errors" not in await asyncio.wait_for(up.graph(_PLANNED, headers), _LONGEST_SECONDS)
        held.go.set()
        assert first["data"] == (await asking)["data"]


async def _many(
    up: GatewayHarness, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch, held: Held, count: int = 5
) -> list[asyncio.Task[dict[str, Any]]]:
    """So many who ask for the new text, of whom the first is being served and the others wait for what he gets."""
    looks, all_looked, find = 0, asyncio.Event(), Preparing.found

    def counted(preparing: Preparing, asked: Asked, viewer: Viewer) -> Found | None:
        nonlocal looks
        looks += 1
        if looks == count:
            all_looked.set()
        return find(preparing, asked, viewer)

    monkeypatch.setattr(Preparing, "found", counted)
    asking = [asyncio.create_task(up.graph(_NEW, headers)) for _ in range(count)]
    await _begun(held)
    await asyncio.wait_for(all_looked.wait(), _LONGEST_SECONDS)
    return asking


async def test_a_text_that_many_ask_at_once_is_made_ready_once(
    up: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One piece of work for all of them, who are answered alike."""
    headers, pieces = await up.token(), _pieces(monkeypatch)
    with _held(monkeypatch) as held:
        asking = await _many(up, headers, monkeypatch, held)
        held.go.set()
        first, *others = await asyncio.gather(*asking)
    assert (1, 1) == (held.count, len(pieces))
    assert "errors" not in first
    assert all(first["data"] == other["data"] for other in others)


async def test_who_waits_for_another_s_is_refused_with_him(up: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """And does not come back to fill the bench for all others."""
    headers, preparing = await up.token(), up.operations.preparing
    with _held(monkeypatch, reader, "compile_roots") as held:
        asking = await _many(up, headers, monkeypatch, held)

        def refused(*_: object, **__: object) -> None:
            raise Busy(1)

        # As a piece that waited too long.
        held._work = refused
        held.go.set()
        told = await asyncio.gather(*asking)
    assert 1 == held.count
    assert all("LIMIT_EXCEEDED" == each["errors"][0]["extensions"]["code"] for each in told)
    assert not preparing._making
    assert "errors" not in await up.graph(_NEW, headers)


async def test_who_goes_away_lets_one_of_those_who_wait_go_on(
    up: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever he left is there for the others."""
    headers = await up.token()
    with _held(monkeypatch) as held:
        asking = await _many(up, headers, monkeypatch, held)
        asking[0].cancel()
        await asyncio.sleep(0)
        held.go.set()
        told = await asyncio.gather(*asking[1:])
    assert 1 == held.count
    assert all("errors" not in each for each in told)


async def test_what_is_known_is_answered_while_a_new_text_is_made_ready(
    up: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other values and other tokens of what is planned, what asks for no data, what is refused: none of it is new."""
    headers, other = await up.token(), await up.token(Permission.READ)
    sized = "query ($n: Int!) { resources(first: $n) { nodes { name } } }"
    known: list[tuple[dict[str, Any], dict[str, str]]] = [
        ({"query": sized, "variables": {"n": 3}}, headers),
        ({"query": sized, "variables": {"n": 4}}, other),
        ({"query": sized, "variables": {"n": "x"}}, headers),
        ({"query": "{ __typename }"}, headers),
        ({"query": "{ nope }"}, headers),
        ({"query": _SCHEMA}, headers),
    ]
    await up.client.post("/graphql", json={"query": sized, "variables": {"n": 2}}, headers=headers)
    for asked in ("{ __typename }", "{ nope }", _SCHEMA):
        await up.graph(asked, headers)
    with _held(monkeypatch) as held:
        new = asyncio.create_task(up.graph(_NEW, headers))
        await _begun(held)
        for told, whose in known:
            answer = await asyncio.wait_for(up.client.post("/graphql", json=told, headers=whose), _LONGEST_SECONDS)
            assert 200 == answer.status_code
        assert not new.done()
        held.go.set()
        await new


async def test_too_many_are_refused_and_may_come_again(up: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """503, with a word of when; the metrics tell how full it is; and nobody else notices."""
    up.operations.preparing.workbench = CompileWorker(most=1)
    headers = await up.token()
    await up.graph(_PLANNED, headers)
    with _held(monkeypatch) as held:
        new = asyncio.create_task(up.graph(_NEW, headers))
        await _begun(held)
        for accept in ("application/json", "application/graphql-response+json"):
            asked = {"query": "{ accounts { name } }"}
            refused = await up.client.post("/graphql", json=asked, headers={**headers, "Accept": accept})
            assert (503, "1") == (refused.status_code, refused.headers["Retry-After"])
            (error,) = refused.json()["errors"]
            assert "LIMIT_EXCEEDED" == error["extensions"]["code"]
        assert "errors" not in await up.graph(_PLANNED, headers)
        metrics = await up.client.get("/metrics", headers=await up.token(Permission.ADMIN))
        assert 'supplygraph_cache_fill{cache="workbench"} 1.0' in metrics.text
        held.go.set()
        assert "errors" not in await new
    assert "errors" not in await up.graph("{ accounts { name } }", headers)


async def test_after_the_end_new_texts_are_told_so(up: GatewayHarness) -> None:
    """As the record's own absence is, and not as a fault."""
    headers = await up.token()
    up.gateway.workbench.close()
    answer = await up.client.post("/graphql", json={"query": _NEW}, headers=headers)
    assert 503 == answer.status_code


@pytest.mark.parametrize(
    "text",
    [
        "{ nope }",
        "{ resources { nodes } }",
        "{ resources(first: 1, first: 2) { totalCount } }",
        "query A { accounts { name } } query A { accounts { name } }",
        "query ($n: Int, $n: Int) { resources(first: $n) { totalCount } }",
        "query ($n: String) { resources(first: $n) { totalCount } }",
        "query ($unused: Int) { accounts { name } }",
        "{ ...F } fragment F on Query { accounts { ...G } } fragment G on VendorAccount { name ...G }",
        "{ ...F } fragment F on Nothing { name } fragment Unused on Query { accounts { name } }",
        "{ resources { totalCount: pageInfo { endCursor } totalCount } }",
        "{ accounts @include(if: 1) @nope @skip(if: true) @skip(if: true) { name } }",
        "{ resources(filter: {vendor: 5, nope: 1, vendor: 6}) { totalCount } }",
        'subscription { accounts { name } } { node(id: "x") { ... on VendorAccount { name } } }',
        "type Query { a: Int } { accounts { name } }",
        "{ accounts { name } }",
    ],
)
def test_rules_find_what_the_specification_s_find(text: str) -> None:
    """All of it, in the same order and words, also the second time."""
    core, document = graph().core, parse(text)
    expected = [error.formatted for error in validate(core, document, specified_rules)]
    for _ in range(2):
        assert expected == [error.formatted for error in validate(core, document, RULES)]
