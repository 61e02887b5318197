"""Kills processes, and checks what each of them leaves behind. No thread runs here, so that forking is safe."""

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
from tests.kills.cloud import ScriptedWorld, world_at
from tests.kills.comparison import differences, present_resources, swept_number
from tests.kills.fuse import KILLED, Fuse
from tests.kills.gateway import TurnCounter, change_after_listing, create_database, run_endless, run_once, start_again
from tests.kills.invariants import broken_rules, flight_number, hash_rows

ProcessMain: TypeAlias = "Callable[[], Coroutine[Any, Any, list[str] | None]]"
"""The work of a process. It returns the problems that it noticed."""

_MAX_LIFETIME_SECONDS = 0.4
_OK, _HAS_PROBLEMS, _RAISED = 0, 3, 4


@dataclass
class KillFindings:
    """How many processes were killed, and every problem that was noticed afterwards."""

    kills: int = 0
    problems: list[str] = field(default_factory=list)
    states: set[str] = field(default_factory=set)
    """The different databases that kills left behind, each as a hash of all its rows."""


def fork(main: ProcessMain) -> int:
    """Run the work in a process of its own. Return the process id."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = _RAISED
    try:
        problems = asyncio.run(main())
        for problem in problems or ():
            sys.stderr.write(problem + "\n")
        code = _HAS_PROBLEMS if problems else _OK
    except BaseException:  # noqa: BLE001 - nothing may leave the fork
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def wait_for_exit(child: int) -> int:
    """Wait for the end of a process. Return its exit code, negative for the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run_process(main: ProcessMain) -> int:
    """Run the work in a process of its own, and wait for its end. Return its exit code."""
    return wait_for_exit(fork(main))


class InitialDatabaseError(Exception):
    """The database that all processes start from could not be created, so nothing can be killed."""


class ProcessKiller:
    """Kills processes that work on copies of one database.

    `quick` kills once at each await, when the database was called, and restarts once from each different database.
    """

    def __init__(self, folder: Path, seed: int, *, quick: bool = False) -> None:
        self._folder = folder
        self._quick = quick
        self._seed = seed
        self._initial_file = folder / "initial.db"
        self.findings = KillFindings()
        if run_process(partial(create_database, self._initial_file, seed)) != _OK:
            raise InitialDatabaseError("the initial database could not be created; the error is printed above")

    def kill_at_every_await(self, *, narrow: bool) -> None:
        """Kill one process at each await of an apply: called, answered, written. `narrow`: only of the machines' sweep."""
        length = 0
        code = KILLED
        while code == KILLED:
            length += 1
            file = self._copy_database(f"await-{length}")
            fuse = Fuse(length, once=self._quick)
            code = run_process(partial(run_once, file, self._seed, fuse, narrow=narrow))
            name = f"seed {self._seed}, await {length}"
            if code == KILLED:
                self._check(name, file, self._world_after_one_turn(), whole=True)
            elif code != _OK:
                self.findings.problems.append(f"{name}: the process ended with {code}")

    def kill_at_random(self, times: int) -> None:
        """Send SIGKILL this many times, at moments that the seed chooses."""
        random = Random(self._seed)
        for index in range(times):
            file = self._copy_database(f"random-{index}")
            turns, seconds = TurnCounter(), random.uniform(0, _MAX_LIFETIME_SECONDS)
            child = fork(partial(run_endless, file, self._seed, turns))
            turns.wait_for_first()
            time.sleep(seconds)
            os.kill(child, signal.SIGKILL)
            code = wait_for_exit(child)
            name = f"seed {self._seed}, random {index} after {seconds:.3f} s, turn {turns.get()}"
            if code != -signal.SIGKILL:
                self.findings.problems.append(f"{name}: the process ended with {code} before it was killed")
            self._check(name, file, world_at(self._seed, turns.get()), whole=False)
            turns.close()

    def _copy_database(self, name: str) -> Path:
        file = self._folder / f"{name}.db"
        shutil.copyfile(self._initial_file, file)
        return file

    def _world_after_one_turn(self) -> ScriptedWorld:
        world = ScriptedWorld(self._seed)
        world.change_everything()
        return world

    def _check(self, name: str, file: Path, world: ScriptedWorld, *, whole: bool) -> None:
        """Check the rules, that sweeps are whole if `whole`, the next start, and the rules again."""
        self.findings.kills += 1
        problems = [f"after the kill: {problem}" for problem in broken_rules(file)]
        state = hash_rows(file)
        is_new = state not in self.findings.states
        self.findings.states.add(state)
        if whole:
            problems += [f"half a sweep: {problem}" for problem in self._check_sweeps_whole(file, world)]
            change_after_listing(world)
        if not self._quick or is_new:
            problems += self._check_next_start(file, world)
        self.findings.problems += [f"{name}: {problem}" for problem in problems]
        if not problems:
            for leftover in self._folder.glob(f"{file.name}*"):
                leftover.unlink()

    def _check_next_start(self, file: Path, world: ScriptedWorld) -> list[str]:
        problems: list[str] = []
        before = flight_number(file)
        if (code := run_process(partial(start_again, file, world))) != _OK:
            problems.append(f"the next start ended with {code}")
        problems += [f"after the next start: {problem}" for problem in broken_rules(file)]
        for kind in ResourceKind:
            problems += [f"after the next sweep: {problem}" for problem in differences(file, world, kind)]
        if flight_number(file) <= before:
            problems.append("flight numbers did not rise")
        return problems

    def _check_sweeps_whole(self, file: Path, world: ScriptedWorld) -> list[str]:
        """Check that a sweep was written whole or not at all. The probed machine `m-1` is left out."""
        problems: list[str] = []
        for kind in ResourceKind:
            if swept_number(file, kind) > swept_number(self._initial_file, kind):
                partial_writes = differences(file, world, kind)
            else:
                before, after = present_resources(self._initial_file, kind), present_resources(file, kind)
                names = sorted(before.keys() | after.keys())
                partial_writes = [name for name in names if before.get(name) != after.get(name)]
            problems += [problem for problem in partial_writes if problem.partition(":")[0] != "m-1"]
        return problems
