"""Processes that die, and what is looked at after each death. Nothing here runs a thread, so that forking is safe."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from domain.enums import ResourceKind
from tests.kills.agreement import differences, living, swept_number
from tests.kills.fuse import KILLED, Fuse
from tests.kills.invariants import broken_rules, contents, flight_number
from tests.kills.lives import Turns, after_the_listing, beginning, endless, next_start, one_apply
from tests.kills.vendor import World, world_at

Life: TypeAlias = "Callable[[], Coroutine[Any, Any, list[str] | None]]"
"""What a process does; what it answers is what went wrong."""

_LONGEST_LIFE_SECONDS = 0.4
_WELL, _ILL, _RAISED = 0, 3, 4


@dataclass
class Findings:
    """How often a process was killed, and every rule that was found broken after it."""

    kills: int = 0
    broken: list[str] = field(default_factory=list)
    states: set[str] = field(default_factory=set)
    """The different records that kills left behind, each as a hash of all its rows."""


def forked(life: Life) -> int:
    """Start a life in a process of its own; answers its id."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = _RAISED
    try:
        said = asyncio.run(life())
        for word in said or ():
            sys.stderr.write(word + "\n")
        code = _ILL if said else _WELL
    except BaseException:  # noqa: BLE001 - nothing may climb out of the fork
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def ended(child: int) -> int:
    """Wait for its end; answers its exit code, negative for the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def lived(life: Life) -> int:
    """Start a life and wait for its end."""
    return ended(forked(life))


class Deaths:
    """Kills processes that work on copies of one record.

    `quick` kills once an await, where the database has been asked, and starts again once from each record that differs.
    """

    def __init__(self, folder: Path, seed: int, *, quick: bool = False) -> None:
        self._folder = folder
        self._quick = quick
        self._seed = seed
        self._beginning = folder / "beginning.db"
        self.findings = Findings()
        if lived(partial(beginning, self._beginning, seed)) != _WELL:
            raise RuntimeError("the record to begin with could not be made")

    def at_every_await(self, *, narrow: bool) -> None:
        """One process for each await of apply: asked, answered, written. `narrow`: of the machines' sweep alone."""
        length = 0
        code = KILLED
        while code == KILLED:
            length += 1
            file = self._fresh(f"await-{length}")
            fuse = Fuse(length, once=self._quick)
            code = lived(partial(one_apply, file, self._seed, fuse, narrow=narrow))
            name = f"seed {self._seed}, await {length}"
            if code == KILLED:
                self._looked_at(name, file, self._after_one_apply(), whole=True)
            elif code != _WELL:
                self.findings.broken.append(f"{name}: the process ended with {code}")

    def at_random(self, times: int) -> None:
        """SIGKILL so many times, at a moment that the seed chooses."""
        random = Random(self._seed)
        for place in range(times):
            file = self._fresh(f"random-{place}")
            turns, life = Turns(), random.uniform(0, _LONGEST_LIFE_SECONDS)
            child = forked(partial(endless, file, self._seed, turns))
            turns.await_first()
            time.sleep(life)
            os.kill(child, signal.SIGKILL)
            code = ended(child)
            name = f"seed {self._seed}, random {place} after {life:.3f} s, turn {turns.get()}"
            if code != -signal.SIGKILL:
                self.findings.broken.append(f"{name}: the process ended with {code} before it was killed")
            self._looked_at(name, file, world_at(self._seed, turns.get()), whole=False)
            turns.close()

    def _fresh(self, name: str) -> Path:
        file = self._folder / f"{name}.db"
        shutil.copyfile(self._beginning, file)
        return file

    def _after_one_apply(self) -> World:
        world = World(self._seed)
        world.everything()
        return world

    def _looked_at(self, name: str, file: Path, world: World, *, whole: bool) -> None:
        """The rules, the next start, the rules again."""
        self.findings.kills += 1
        said = [f"after the kill: {word}" for word in broken_rules(file)]
        known, state = len(self.findings.states), contents(file)
        self.findings.states.add(state)
        if whole:
            said += [f"half a sweep: {word}" for word in self._half(file, world)]
            after_the_listing(world)
        if not self._quick or len(self.findings.states) > known:
            said += self._started_again(file, world)
        self.findings.broken += [f"{name}: {word}" for word in said]
        if not said:
            for rest in self._folder.glob(f"{file.name}*"):
                rest.unlink()

    def _started_again(self, file: Path, world: World) -> list[str]:
        said: list[str] = []
        before = flight_number(file)
        if (code := lived(partial(next_start, file, world))) != _WELL:
            said.append(f"the next start ended with {code}")
        said += [f"after the next start: {word}" for word in broken_rules(file)]
        said += [f"not found again: {word}" for kind in ResourceKind for word in differences(file, world, kind)]
        if flight_number(file) <= before:
            said.append("flight numbers did not rise")
        return said

    def _half(self, file: Path, world: World) -> list[str]:
        """A sweep is in the record whole or not at all; the probed machine has its own word."""
        said: list[str] = []
        for kind in ResourceKind:
            if swept_number(file, kind) > swept_number(self._beginning, kind):
                found = differences(file, world, kind)
            else:
                before, after = living(self._beginning, kind), living(file, kind)
                found = [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
            said += [word for word in found if word.partition(":")[0] != "m-1"]
        return said
