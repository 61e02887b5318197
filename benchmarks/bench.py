"""supplygraph beside its peers: the same PostgreSQL, the same rows, the same operations, in turn and repeated.

`python -m benchmarks.bench`, or `make bench`. It starts PostgreSQL, the peers (PostGraphile, Mercurius, plain strawberry and
FastAPI), the bare limit, and `supplygraph serve` on PostgreSQL and on SQLite, one process each; compares what they answer, and
fails where two differ; then measures each in turn, and again, and prints medians with their spread. `--quick` for a look.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks import servers as known
from benchmarks.asking import ONE, PAGE, REST, SUBJECTS, Asked, NotEqual, Request, ask, compare
from benchmarks.figures import Run, Summary, Table
from benchmarks.load import CONNECTIONS, LoadFailed, bring_wrk, loaded, measured
from benchmarks.population import populate
from benchmarks.postgres import postgres
from benchmarks.report import Roles, as_json, claims, in_document, markdown, text
from benchmarks.seeding import seed_postgres, seed_sqlite
from benchmarks.servers import Server
from web.node_runtime import NodeUnavailable

RESOURCES: Final = 20_000
_DATABASE: Final = "bench"
_PAGES: Final = 20
_SINGLE: Final = 50
_IDS: Final = 4_000
# Whoever waited for its turn is cold: that is no figure of anybody's.
_SETTLE_SECONDS: Final = 1
_OUTPUT: Final = known.ROOT / ".state" / "bench"
ROLES: Final = Roles(
    ours=known.SUPPLYGRAPH,
    ours_sqlite=known.SUPPLYGRAPH_SQLITE,
    peers=(known.POSTGRAPHILE, known.MERCURIUS, known.STRAWBERRY),
    limit=known.BARE,
    rest=known.FASTAPI,
)


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured. Seconds are of one run, and of what goes before the first."""

    rounds: int
    seconds: float
    warm_seconds: float
    resources: int


@dataclass(frozen=True, slots=True)
class Checked:
    """A server whose answers were compared: the requests it will be asked by subject, and the bytes of its shortest answer."""

    server: Server
    requests: Mapping[str, Sequence[Request]]
    shortest: Mapping[str, int]


@contextmanager
def stage(effort: Effort) -> Iterator[tuple[list[Server], list[str]]]:
    """Every server over the same rows, and the rows' ids."""
    population = populate(effort.resources, datetime.now(UTC))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = stack.enter_context(postgres())
        file = folder / "record.db"
        asyncio.run(seed_postgres(database.server, _DATABASE, population))
        asyncio.run(seed_sqlite(file, population))
        started = [
            stack.enter_context(known.gateway(folder, database.url(_DATABASE), database.process)),
            stack.enter_context(
                known.gateway(folder, database.url(_DATABASE), database.process, known.SUPPLYGRAPH_FORGETFUL)
            ),
            stack.enter_context(known.gateway(folder, f"sqlite+aiosqlite:///{file}", None, known.SUPPLYGRAPH_SQLITE)),
            *stack.enter_context(known.peers(database, _DATABASE)),
        ]
        yield started, population.ids


def check(server: Server, ids: Sequence[str]) -> tuple[Asked, dict[str, int]]:
    """What a server answers, and the bytes of its shortest answer by subject. Raises NotEqual where it answers an error."""
    shortest: dict[str, int] = {}
    headers = {"Content-Type": "application/json"}
    headers |= {"Authorization": server.target.authorization} if server.target.authorization else {}
    paths = {server.words.one_path: ONE, server.words.page_path: PAGE}
    with httpx.Client(base_url=server.target.address, headers=headers, timeout=30, trust_env=False) as client:

        def send(request: Request) -> Any:
            method = "GET" if request.body is None else "POST"
            answer = client.request(method, request.path, content=request.body)
            if answer.status_code != httpx.codes.OK:
                raise NotEqual(f"{server.name} answered {answer.status_code}: {answer.text[:500]}")
            told = answer.json()
            subject = REST if request.body is None else paths[request.path]
            if isinstance(told, dict) and "resources" in (told.get("data") or {}):
                subject = PAGE
            elif subject is not REST:
                subject = ONE
            shortest[subject] = min(len(answer.content), shortest.get(subject, sys.maxsize))
            fresh(server, told)
            return told

        return ask(server.words, send, ids, _PAGES, server.subjects), shortest


def fresh(server: Server, told: Any) -> None:
    """Refuse to measure where our own answer says that it is not fresh, or that a vendor was asked. Raises NotEqual."""
    summary = (told.get("extensions") or {}).get("freshness") if isinstance(told, dict) else None
    if summary and (summary["stale"] or summary["unconfirmed"] or summary["vendorCalls"] or summary["gaps"]):
        raise NotEqual(f"{server.name} is not fresh: {json.dumps(summary)}")


def compared(started: Sequence[Server], ids: Sequence[str]) -> list[Checked]:
    """Ask all of them the same, and compare. Raises NotEqual."""
    few = random.Random(1).sample(ids, _SINGLE)  # noqa: S311 - which rows, not a secret
    many = random.Random(2).sample(ids, min(_IDS, len(ids)))  # noqa: S311
    asked = {server.name: check(server, few) for server in started}
    limit, rest = (asked[name][0] if name in asked else Asked() for name in (known.BARE, known.FASTAPI))
    expected = replace(limit, rest=rest.rest)
    checked: list[Checked] = []
    for server in started:
        told, shortest = asked[server.name]
        count = compare("what is expected", expected, server.name, told)
        print(f"  {server.name}: {count} answers are equal")
        requests = {
            ONE: [server.words.one(each) for each in many],
            PAGE: [server.words.page(cursor) for cursor in told.cursors],
            REST: [server.words.rest(each) for each in many],
        }
        checked.append(Checked(server, {subject: requests[subject] for subject in server.subjects}, shortest))
    return checked


def one_run(checked: Checked, subject: str, seconds: float) -> Run:
    """One run. Raises LoadFailed where requests failed, or answers were shorter than any of this server's whole ones."""
    loaded(checked.server.target, checked.requests[subject], _SETTLE_SECONDS)
    run = measured(checked.server.target, checked.requests[subject], seconds)
    if run.bytes_per_answer < checked.shortest[subject]:
        raise LoadFailed(f"{checked.server.name}: {subject}: answers under load are shorter than they should be")
    return run


def rounds(checked: Sequence[Checked], effort: Effort) -> Table:
    """Measure everybody in turn, and again; each round begins with another server."""
    pairs = [(subject, each) for subject in SUBJECTS for each in checked if subject in each.requests]
    for subject, each in pairs:
        loaded(each.server.target, each.requests[subject], effort.warm_seconds)
    runs: dict[str, dict[str, list[Run]]] = {}
    for number in range(effort.rounds):
        for subject in SUBJECTS:
            turn = [each for each in checked if subject in each.requests]
            for each in turn[number % len(turn) :] + turn[: number % len(turn)]:
                run = one_run(each, subject, effort.seconds)
                runs.setdefault(subject, {}).setdefault(each.server.name, []).append(run)
        print(f"  round {number + 1} of {effort.rounds}", flush=True)
    return {subject: {name: Summary.of(each) for name, each in servers.items()} for subject, servers in runs.items()}


def vendor_calls(server: Server) -> float:
    """How many calls to vendors a gateway counts."""
    return sum(known.metrics(server, "supplygraph_vendor_calls_total"))


def conditions(effort: Effort, began: float) -> dict[str, Any]:
    """Under which conditions the figures were taken."""
    return {
        "resources": effort.resources,
        "connections": CONNECTIONS,
        "pool": known.POOL,
        "rounds": effort.rounds,
        "seconds": effort.seconds,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "took_seconds": round(time.monotonic() - began),
    }


def told(table: Table, effort: Effort, began: float, output: Path) -> bool:
    """Print the figures, and keep them in files; whether all that was claimed holds."""
    judged = claims(table, ROLES)
    print(text(table, ROLES))
    print()
    for claim in judged:
        print(claim.told())
    output.mkdir(parents=True, exist_ok=True)
    whole = as_json(table, conditions(effort, began), judged)
    (output / "figures.json").write_text(json.dumps(whole, indent=1), encoding="utf-8")
    (output / "figures.md").write_text(markdown(table, ROLES), encoding="utf-8")
    print(f"\nkept in {output}; {time.monotonic() - began:.0f} s in all")
    return all(claim.holds for claim in judged)


def run(effort: Effort, given: argparse.Namespace) -> int:
    """The whole benchmark; the exit code."""
    began = time.monotonic()
    bring_wrk()
    known.bring_peers()
    with stage(effort) as (started, ids):
        print(f"{effort.resources} resources; {len(started)} servers; comparing their answers")
        checked = compared(started, ids)
        if given.only:
            checked = [each for each in checked if any(part in each.server.name for part in given.only)]
        table = rounds(checked, effort)
        asked = sum(vendor_calls(each) for each in started if each.target.authorization)
    good = told(table, effort, began, given.output)
    if asked:
        print(f"FAILED: vendors were asked {asked:g} times: the record was not fresh for the whole run")
        return 1
    if given.readme:
        readme = known.ROOT / "docs" / "speed.md"
        readme.write_text(in_document(readme.read_text(encoding="utf-8"), markdown(table, ROLES)), encoding="utf-8")
    return 1 if given.strict and not good else 0


def main() -> int:
    """Run what the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two short rounds, for development")
    parser.add_argument("--rounds", type=int, help="runs of each server and subject (5)")
    parser.add_argument("--seconds", type=float, help="seconds of each run (5)")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="measure only servers so named")
    parser.add_argument("--strict", action="store_true", help="exit with 1 where a claim does not hold")
    parser.add_argument("--readme", action="store_true", help="put the figures into README.md")
    parser.add_argument("--output", type=Path, default=_OUTPUT, help="the folder for figures.json and figures.md")
    given = parser.parse_args()
    usual = Effort(2, 2, 1, RESOURCES) if given.quick else Effort(5, 5, 2, RESOURCES)
    effort = replace(usual, rounds=given.rounds or usual.rounds, seconds=given.seconds or usual.seconds)
    try:
        return run(effort, given)
    except (NotEqual, LoadFailed, NodeUnavailable) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
