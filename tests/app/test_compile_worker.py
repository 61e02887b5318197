"""The workbench: one piece after the other, rests for others, and bounds on what waits."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import Final

import pytest
from supplygraph.workbench import LONGEST_WAIT_SECONDS, CompileWorker

from domain.errors import Busy, DatabaseUnavailable

_LONGEST_SECONDS: Final = 60


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


def _bench() -> tuple[CompileWorker, _Seconds]:
    seconds = _Seconds()
    return CompileWorker(seconds.told, seconds.rest), seconds


class _Piece:
    """A piece of work that goes on when it is told to."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()

    def work(self) -> str:
        """Wait, and answer."""
        self.begun.set()
        assert self.go.wait(_LONGEST_SECONDS)
        return "done"

    async def begins(self) -> None:
        """Wait until it is being done."""
        assert await asyncio.to_thread(self.begun.wait, _LONGEST_SECONDS)


async def test_it_rests_for_others_alone() -> None:
    """Twice as long as a piece took during which somebody else was answered; time that passed meanwhile counts."""
    bench, seconds = _bench()

    def beside_others() -> None:
        seconds.passed(0.125)
        bench.other_answered()

    for _ in range(3):
        await bench.run(seconds.passed, 0.125)
    assert [] == seconds.rests
    await bench.run(beside_others)
    await bench.run(seconds.passed, 0.125)
    assert [0.25] == seconds.rests
    await bench.run(beside_others)
    seconds.passed(0.125)
    await bench.run(beside_others)
    seconds.passed(100)
    await bench.run(seconds.passed, 0.125)
    assert [0.25, 0.125] == seconds.rests


async def test_no_rest_is_longer_than_half_a_second() -> None:
    """However long a piece took: the process may have been stopped meanwhile."""
    bench, seconds = _bench()

    def stopped() -> None:
        seconds.passed(600)
        bench.other_answered()

    await bench.run(stopped)
    await bench.run(seconds.passed, 1)
    assert [0.5] == seconds.rests


async def test_it_does_not_rest_while_the_next_has_waited_long() -> None:
    """Nobody waits behind rests alone."""
    bench, seconds = _bench()
    first = _Piece()

    def beside_others() -> None:
        first.work()
        seconds.passed(2)
        bench.other_answered()

    doing = asyncio.create_task(bench.run(beside_others))
    await first.begins()
    waiting = asyncio.create_task(bench.run(seconds.passed, 1))
    await asyncio.sleep(0)
    first.go.set()
    await asyncio.gather(doing, waiting)
    assert [] == seconds.rests


async def test_what_waited_too_long_is_given_up() -> None:
    """Whoever asked has most probably gone; the next is done."""
    bench, seconds = _bench()
    first = _Piece()

    def long() -> None:
        first.work()
        seconds.passed(LONGEST_WAIT_SECONDS + 1)

    doing = asyncio.create_task(bench.run(long))
    await first.begins()
    waiting = asyncio.create_task(bench.run(seconds.passed, 1))
    await asyncio.sleep(0)
    first.go.set()
    await doing
    with pytest.raises(Busy):
        await waiting
    assert (2, 1) == await bench.run(divmod, 5, 2)


async def test_no_more_wait_than_may() -> None:
    """The next is refused at once; what is done or given up makes room."""
    bench, piece = CompileWorker(most=2), _Piece()
    doing = asyncio.create_task(bench.run(piece.work))
    await piece.begins()
    waiting = asyncio.create_task(bench.run(piece.work))
    await asyncio.sleep(0)
    assert 1 == bench.fill
    with pytest.raises(Busy):
        await bench.run(piece.work)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    another = asyncio.create_task(bench.run(piece.work))
    piece.go.set()
    assert ["done", "done"] == list(await asyncio.gather(doing, another))
    assert 0 == bench.fill


async def test_what_a_piece_raises_is_raised_and_the_next_is_done() -> None:
    """Here and not in the thread."""
    bench = CompileWorker()
    with pytest.raises(ZeroDivisionError):
        await bench.run(divmod, 1, 0)
    assert (2, 1) == await bench.run(divmod, 5, 2)


async def test_the_end() -> None:
    """What is being done is finished; what waits and what comes later is refused."""
    bench, piece = CompileWorker(), _Piece()
    doing = asyncio.create_task(bench.run(piece.work))
    await piece.begins()
    waiting = asyncio.create_task(bench.run(piece.work))
    await asyncio.sleep(0)
    bench.close()
    piece.go.set()
    assert "done" == await doing
    with pytest.raises(DatabaseUnavailable):
        await waiting
    with pytest.raises(DatabaseUnavailable):
        await bench.run(piece.work)
