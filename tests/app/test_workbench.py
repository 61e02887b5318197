"""New texts are made ready beside the event loop: whoever asks for what is planned does not wait for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from graphql import parse, specified_rules, validate

from supplygraph import graphql_documents
from supplygraph.graphql_rules import RULES
from supplygraph.workbench import Workbench
from tests.app.running import Running, running
from tests.graphql_http.gateway import graph

_PLANNED: Final = "{ resources { nodes { name } } }"
_NEW: Final = "{ resources { nodes { status } } }"
_LONGEST_SECONDS: Final = 60


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Running]:
    """A gateway that answers."""
    async with running(tmp_path) as started:
        yield started


class Held:
    """Validation that goes on when it is told to, and counts."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()
        self.count = 0

    def validate(self, *given: Any, **named: Any) -> Any:
        """As graphql-core's."""
        self.count += 1
        self.begun.set()
        assert self.go.wait(_LONGEST_SECONDS)
        return validate(*given, **named)


@contextmanager
def _held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    held = Held()
    with monkeypatch.context() as patching:
        patching.setattr(graphql_documents, "validate", held.validate)
        try:
            yield held
        finally:
            held.go.set()


async def _begun(held: Held) -> None:
    assert await asyncio.to_thread(held.begun.wait, _LONGEST_SECONDS)


async def test_what_is_planned_is_answered_while_a_new_text_is_made_ready(
    up: Running, monkeypatch: pytest.MonkeyPatch
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


async def test_a_text_that_many_ask_at_once_is_made_ready_once(up: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are answered alike."""
    headers = await up.token()
    with _held(monkeypatch) as held:
        asking = [asyncio.create_task(up.graph(_NEW, headers)) for _ in range(5)]
        await _begun(held)
        held.go.set()
        first, *others = await asyncio.gather(*asking)
    assert 1 == held.count
    assert "errors" not in first
    assert all(first["data"] == other["data"] for other in others)


async def test_who_goes_away_holds_up_nobody(up: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was being made for him is there for the next."""
    headers = await up.token()
    with _held(monkeypatch) as held:
        asking = asyncio.create_task(up.graph(_NEW, headers))
        await _begun(held)
        asking.cancel()
        held.go.set()
        assert "errors" not in await up.graph(_NEW, headers)
    assert 1 == held.count


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


@dataclass
class _Seconds:
    """A timer that goes by what is worked and rested."""

    now: float = 0.0
    rests: list[float] = field(default_factory=list)

    def told(self) -> float:
        """Now."""
        return self.now

    def passed(self, seconds: float) -> None:
        """Work."""
        self.now += seconds

    def rest(self, seconds: float) -> None:
        """Rest."""
        self.rests.append(seconds)
        self.now += seconds


async def test_it_rests_for_others_alone() -> None:
    """Twice as long as a piece took during which somebody else was answered; time that passed meanwhile counts."""
    seconds = _Seconds()
    bench = Workbench(seconds.told, seconds.rest)

    def beside_others() -> None:
        seconds.passed(4)
        bench.other_answered()

    for _ in range(3):
        await bench.run(seconds.passed, 5)
    assert [] == seconds.rests
    await bench.run(beside_others)
    await bench.run(seconds.passed, 5)
    assert [8] == seconds.rests
    await bench.run(beside_others)
    seconds.passed(7)
    await bench.run(beside_others)
    seconds.passed(100)
    await bench.run(seconds.passed, 5)
    assert [8, 1] == seconds.rests


async def test_what_a_piece_raises_is_raised_and_the_next_is_done() -> None:
    """Here and not in the thread."""
    bench = Workbench()
    with pytest.raises(ZeroDivisionError):
        await bench.run(divmod, 1, 0)
    assert (2, 1) == await bench.run(divmod, 5, 2)
    bench.close()
