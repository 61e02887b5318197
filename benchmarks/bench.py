"""Measure supplygraph next to other servers: the same PostgreSQL, the same rows, the same operations, in turns.

`python -m benchmarks.bench`, or `make bench`. It starts PostgreSQL, the peers (PostGraphile, Mercurius, plain strawberry and
FastAPI), two limits (one statement, a constant body), and `supplygraph serve` on PostgreSQL and on SQLite, each in one process.
It compares their answers and fails if two of them differ. Then it measures them in turns, several times, and prints medians and
spreads. `--quick` gives a first impression; `--checkout DIR` measures another checkout of this repository in the same run.
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
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks import servers
from benchmarks.answers import AnswersDiffer, ServerAnswers, compare, request_answers
from benchmarks.checkouts import CheckoutFailed, run_checkout
from benchmarks.figures import BenchSummary, Run, Table
from benchmarks.load import CONNECTIONS, LoadFailed, find_wrk, measure, run_load
from benchmarks.operations import ONE, PAGE, REST, SINGLE_SUBJECTS, SUBJECTS, BenchRequest
from benchmarks.population import populate
from benchmarks.postgres import postgres
from benchmarks.processes import ROOT
from benchmarks.report import Roles, as_json, claims, markdown, replace_figures, text
from benchmarks.seed import seed_postgres, seed_sqlite
from benchmarks.servers import BenchServer
from web.node_runtime import NodeUnavailable

RESOURCES: Final = 20_000
_DATABASE: Final = "bench"
_PAGES: Final = 20
_COMPARED_IDS: Final = 50
_MEASURED_IDS: Final = 4_000
# A server that waited for its turn has cold caches, which must not count.
_SETTLE_SECONDS: Final = 1
_OUTPUT: Final = ROOT / ".state" / "bench"
ROLES: Final = Roles(
    ours=servers.SUPPLYGRAPH,
    ours_sqlite=servers.SUPPLYGRAPH_SQLITE,
    peers=(servers.POSTGRAPHILE, servers.MERCURIUS, servers.STRAWBERRY),
    limit=servers.BARE,
    constant=servers.CONSTANT,
    rest=servers.FASTAPI,
)


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: rounds, seconds of one run, seconds of warm-up before the first, and rows."""

    rounds: int
    seconds: float
    warm_seconds: float
    resources: int


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server that is ready to be measured: its requests and the length of its shortest answer by subject."""

    server: BenchServer
    requests: Mapping[str, Sequence[BenchRequest]]
    shortest: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class BenchStage:
    """The running servers and the ids of the resources. The constant body server is not among `compared`."""

    compared: Sequence[BenchServer]
    constant: BenchServer
    ids: Sequence[str]


@contextmanager
def run_stage(effort: Effort, checkouts: Sequence[Path]) -> Iterator[BenchStage]:
    """Start every server over the same rows."""
    now = datetime.now(UTC)
    population = populate(effort.resources, now)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = stack.enter_context(postgres())
        file = folder / "record.db"
        asyncio.run(seed_postgres(database.server, _DATABASE, population))
        asyncio.run(seed_sqlite(file, population))
        url, process = database.url(_DATABASE), database.process
        gateways = (
            (servers.SUPPLYGRAPH, servers.configuration(url), process),
            (servers.SUPPLYGRAPH_UNCACHED, servers.configuration(url, cached=False), process),
            (servers.SUPPLYGRAPH_SQLITE, servers.configuration(f"sqlite+aiosqlite:///{file}"), None),
        )
        started = [
            stack.enter_context(servers.run_gateway(folder, content, its_process, name))
            for name, content, its_process in gateways
        ]
        for checkout in checkouts:
            started += stack.enter_context(run_checkout(folder, checkout, database, effort.resources, now))
        constant = stack.enter_context(servers.run_constant_body(folder, servers.configuration(url)))
        started += stack.enter_context(servers.run_peers(database, _DATABASE))
        yield BenchStage(started, constant, population.ids)


def collect_answers(server: BenchServer, ids: Sequence[str]) -> ServerAnswers:
    """Send each of a server's operations once. Raises AnswersDiffer if it answers an error, or data that is not fresh."""
    authorization = {"Authorization": server.target.authorization} if server.target.authorization else {}
    with httpx.Client(base_url=server.target.address, timeout=30, trust_env=False) as client:

        def send(request: BenchRequest) -> bytes:
            headers = authorization | dict(request.headers)
            response = client.request(request.method, request.path, content=request.body, headers=headers)
            if response.status_code != httpx.codes.OK:
                raise AnswersDiffer(f"{server.name} answered {response.status_code}: {response.text[:500]}")
            require_fresh(server, response.json())
            return response.content

        return request_answers(server.builder, send, ids, _PAGES, server.subjects)


def require_fresh(server: BenchServer, answer: Any) -> None:
    """Raise AnswersDiffer if one of our own answers says that it is not fresh, or that a vendor was called."""
    summary = (answer.get("extensions") or {}).get("freshness") if isinstance(answer, dict) else None
    if summary and (summary["stale"] or summary["unconfirmed"] or summary["vendorCalls"] or summary["gaps"]):
        raise AnswersDiffer(f"{server.name} is not fresh: {json.dumps(summary)}")


def prepare_contestants(stage: BenchStage) -> list[Contestant]:
    """Compare the answers of all servers and prepare their requests. Raises AnswersDiffer."""
    few = random.Random(1).sample(stage.ids, _COMPARED_IDS)  # noqa: S311 - not a secret
    many = random.Random(2).sample(stage.ids, min(_MEASURED_IDS, len(stage.ids)))  # noqa: S311
    answers = {server.name: collect_answers(server, few) for server in stage.compared}
    graph, rest = (answers[name].by_subject for name in (servers.BARE, servers.FASTAPI))
    expected = {ONE: graph[ONE], PAGE: graph[PAGE], REST: rest[REST]}
    contestants: list[Contestant] = []
    for server in stage.compared:
        own = answers[server.name]
        count = compare("the expected answers", expected, server.name, own.by_subject)
        print(f"  {server.name}: {count} answers are equal")
        requests: dict[str, Sequence[BenchRequest]] = {
            subject: [server.builder.single(subject, resource_id) for resource_id in many]
            for subject in SINGLE_SUBJECTS
            if subject in server.subjects
        }
        if PAGE in server.subjects:
            requests[PAGE] = [server.builder.page(cursor) for cursor in own.cursors]
        contestants.append(Contestant(server, requests, own.shortest))
    ours = next(each for each in contestants if each.server.name == servers.SUPPLYGRAPH)
    return [*contestants, _constant_contestant(stage.constant, ours, answers[servers.SUPPLYGRAPH].sample[ONE])]


def _constant_contestant(constant: BenchServer, ours: Contestant, body: bytes) -> Contestant:
    """Have the constant body server get our requests and answer one of our answers."""
    servers.set_constant_body(constant, body)
    requests = {subject: ours.requests[subject] for subject in constant.subjects}
    return Contestant(constant, requests, dict.fromkeys(requests, len(body)))


def measure_run(contestant: Contestant, subject: str, seconds: float) -> Run:
    """Measure one run. Raises LoadFailed if requests failed, or answers are shorter than this server's shortest one."""
    target, requests = contestant.server.target, contestant.requests[subject]
    run_load(target, requests, _SETTLE_SECONDS)
    run = measure(target, requests, seconds)
    if run.bytes_per_answer < contestant.shortest[subject]:
        raise LoadFailed(f"{contestant.server.name}: {subject}: answers under load are shorter than they should be")
    return run


def measure_rounds(contestants: Sequence[Contestant], effort: Effort) -> Table:
    """Measure all servers in turns, several times. Each round begins with another server."""
    for subject in SUBJECTS:
        for contestant in contestants:
            if subject in contestant.requests:
                run_load(contestant.server.target, contestant.requests[subject], effort.warm_seconds)
    runs: dict[str, dict[str, list[Run]]] = {}
    for number in range(effort.rounds):
        for subject in SUBJECTS:
            turns = [each for each in contestants if subject in each.requests]
            first = number % max(1, len(turns))
            for contestant in turns[first:] + turns[:first]:
                run = measure_run(contestant, subject, effort.seconds)
                runs.setdefault(subject, {}).setdefault(contestant.server.name, []).append(run)
        print(f"  round {number + 1} of {effort.rounds}", flush=True)
    return {subject: {name: BenchSummary.of(each) for name, each in named.items()} for subject, named in runs.items()}


def count_vendor_calls(gateways: Sequence[BenchServer]) -> float:
    """Return how many calls to vendors the gateways have counted."""
    return sum(
        value
        for server in gateways
        if server.target.authorization
        for value in servers.read_metric(server, "supplygraph_vendor_calls_total")
    )


def conditions(effort: Effort, began: float) -> dict[str, Any]:
    """Return the conditions under which the figures were taken."""
    return {
        "resources": effort.resources,
        "connections": CONNECTIONS,
        "pool": servers.POOL,
        "rounds": effort.rounds,
        "seconds": effort.seconds,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "took_seconds": round(time.monotonic() - began),
    }


def report(table: Table, effort: Effort, began: float, output: Path) -> bool:
    """Print the figures and write them into files; return whether all claims hold."""
    judged = claims(table, ROLES)
    print(text(table, ROLES))
    print()
    for claim in judged:
        print(claim.line)
    output.mkdir(parents=True, exist_ok=True)
    figures = as_json(table, conditions(effort, began), judged)
    (output / "figures.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    (output / "figures.md").write_text(markdown(table, ROLES), encoding="utf-8")
    print(f"\nfigures are in {output}; the run took {time.monotonic() - began:.0f} s")
    return all(claim.holds for claim in judged)


def run(effort: Effort, options: argparse.Namespace) -> int:
    """Run the whole benchmark and return the exit code."""
    began = time.monotonic()
    find_wrk()
    servers.install_peers()
    checkouts = [Path(folder).resolve() for folder in options.checkout]
    with run_stage(effort, checkouts) as stage:
        print(f"{effort.resources} resources; {len(stage.compared)} servers; comparing their answers")
        contestants = prepare_contestants(stage)
        if options.only:
            contestants = [each for each in contestants if any(part in each.server.name for part in options.only)]
        table = measure_rounds(contestants, effort)
        calls = count_vendor_calls(stage.compared)
    all_hold = report(table, effort, began, options.output)
    if calls:
        print(f"FAILED: vendors were called {calls:g} times, so the rows were not fresh for the whole run")
        return 1
    if options.readme:
        page = ROOT / "docs" / "speed.md"
        document = replace_figures(page.read_text(encoding="utf-8"), markdown(table, ROLES))
        page.write_text(document, encoding="utf-8")
    return 1 if options.strict and not all_hold else 0


def parse_options() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two rounds of short runs, for development")
    parser.add_argument("--rounds", type=int, help="runs of each server and subject (5)")
    parser.add_argument("--seconds", type=float, help="seconds of one run (5)")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="measure only servers whose name contains NAME"
    )
    parser.add_argument(
        "--checkout", action="append", default=[], metavar="DIR", help="also measure the supplygraph of this checkout"
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a claim does not hold")
    parser.add_argument("--readme", action="store_true", help="write the figures into docs/speed.md")
    parser.add_argument("--output", type=Path, default=_OUTPUT, help="the folder of figures.json and figures.md")
    return parser.parse_args()


def main() -> int:
    """Run the benchmark that the command line asks for."""
    options = parse_options()
    rounds, seconds, warm_seconds = (2, 2.0, 1.0) if options.quick else (5, 5.0, 2.0)
    effort = Effort(options.rounds or rounds, options.seconds or seconds, warm_seconds, RESOURCES)
    try:
        return run(effort, options)
    except (AnswersDiffer, CheckoutFailed, LoadFailed, NodeUnavailable) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
