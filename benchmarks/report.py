"""Reports of the figures: a table for a terminal, the same in Markdown, and all values as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from benchmarks.figures import Table, cpu_ratio, fastest, rate_ratio
from benchmarks.operations import BROWSER, FULL, ONE, PAGE, REST, SUBJECTS

_COLUMNS: Final = (
    "requests/s",
    "least to most",
    "p50 ms",
    "p99 ms",
    "CPU us, server",
    "CPU us, database",
    "RSS MB",
    "of best peer",
    "of limit",
    "CPU of constant body",
)
_BEGIN: Final = "<!-- figures -->"
_END: Final = "<!-- /figures -->"


@dataclass(frozen=True, slots=True)
class Roles:
    """The names of the servers that take part in ratios and claims."""

    ours: str
    ours_sqlite: str
    peers: tuple[str, ...]
    limit: str
    constant: str
    rest: str


def rows(table: Table, roles: Roles, subject: str) -> Iterator[tuple[str, ...]]:
    """Yield one row of cells for each server, the fastest first."""
    servers = table.get(subject, {})
    best = roles.rest if subject == REST else fastest(table, subject, roles.peers)
    for name in sorted(servers, key=lambda each: -servers[each].per_second.median):
        summary = servers[name]
        yield (
            name,
            f"{summary.per_second.median:,.0f}",
            f"{summary.per_second.least:,.0f} to {summary.per_second.most:,.0f}",
            f"{summary.p50_ms.median:.2f}",
            f"{summary.p99_ms.median:.2f}",
            f"{summary.server_cpu_us.median:,.0f}",
            f"{summary.database_cpu_us.median:,.0f}",
            f"{summary.memory_bytes.median / 1e6:.0f}",
            _decimal(rate_ratio(table, subject, name, best) if best else None),
            _decimal(rate_ratio(table, subject, name, roles.limit)),
            _decimal(cpu_ratio(table, subject, name, roles.constant)),
        )


def text(table: Table, roles: Roles) -> str:
    """Return the tables for a terminal."""
    output: list[str] = []
    for subject in table:
        lines = [(subject, *_COLUMNS), *rows(table, roles, subject)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
        output += ["", *("  ".join(_pad(line, widths)) for line in lines)]
    return "\n".join(output)


def markdown(table: Table, roles: Roles) -> str:
    """Return the tables in Markdown."""
    output: list[str] = []
    for subject in table:
        head = (subject, *_COLUMNS)
        lines = [head, ("---", *("---:" for _ in _COLUMNS)), *rows(table, roles, subject)]
        output += [*(f"| {' | '.join(line)} |" for line in lines), ""]
    return "\n".join(output)


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement about speed with its bound, and the measured value (None: not run)."""

    what: str
    bound: float
    measured: float | None
    at_most: bool = False

    @property
    def holds(self) -> bool | None:
        """Whether the measured value is within the bound; None if it was not measured."""
        if self.measured is None:
            return None
        return self.measured <= self.bound if self.at_most else self.measured >= self.bound

    @property
    def line(self) -> str:
        """The claim and its verdict in one line."""
        verdict = {True: "holds", False: "DOES NOT HOLD", None: "not measured"}[self.holds]
        measured = "" if self.measured is None else f", measured {self.measured:.2f}"
        return f"{verdict}: {self.what}: at {'most' if self.at_most else 'least'} {self.bound:g}{measured}"


def claims(table: Table, roles: Roles) -> list[Claim]:
    """Return the project's claims about its speed with the measured values."""
    return [*_rate_claims(table, roles), *_cost_claims(table, roles)]


def _rate_claims(table: Table, roles: Roles) -> Iterator[Claim]:
    for subject, of_limit in ((ONE, 0.65), (PAGE, 1.0)):
        best = fastest(table, subject, roles.peers) or roles.peers[0]
        for ours, bound in ((roles.ours, 2.5), (roles.ours_sqlite, 1.5)):
            yield _rate_claim(table, (subject, ours), (subject, best), bound)
        yield _rate_claim(table, (subject, roles.ours), (subject, roles.limit), of_limit)
    yield _rate_claim(table, (REST, roles.ours), (REST, roles.rest), 3.0)
    yield _rate_claim(table, (REST, roles.ours), (FULL, roles.ours), 0.7)
    # What is left for the headers of a browser is the work of the HTTP parser.
    yield _rate_claim(table, (BROWSER, roles.ours), (ONE, roles.ours), 0.8)


def _cost_claims(table: Table, roles: Roles) -> Iterator[Claim]:
    for subject in (ONE, BROWSER):
        what = f"{subject}, CPU per request of {roles.ours} over {roles.constant}"
        yield Claim(what, 3.0, cpu_ratio(table, subject, roles.ours, roles.constant), at_most=True)
    for subject in SUBJECTS:
        summary = table.get(subject, {}).get(roles.ours)
        tail = summary.tail.median if summary else None
        yield Claim(f"{subject}, {roles.ours}, p99 over p50", 3.0, tail, at_most=True)
    memory = [servers[roles.ours].memory_bytes.most for servers in table.values() if roles.ours in servers]
    yield Claim(f"{roles.ours}, RSS in MB", 200, max(memory) / 1e6 if memory else None, at_most=True)


def _rate_claim(table: Table, ours: tuple[str, str], other: tuple[str, str], bound: float) -> Claim:
    """Claim a ratio of requests a second; both sides are a subject and a server."""
    (subject, server), (other_subject, name) = ours, other
    if subject == other_subject:
        what = f"{subject}, requests/s of {server} over {name}"
    else:
        what = f"{server}, requests/s of {subject} over {other_subject}"
    return Claim(what, bound, rate_ratio(table, subject, server, name, other_subject))


def as_json(table: Table, conditions: dict[str, Any], judged: Sequence[Claim]) -> dict[str, Any]:
    """Return conditions, figures and claims as JSON values."""
    figures = {
        subject: {name: summary.as_json() for name, summary in servers.items()} for subject, servers in table.items()
    }
    return {
        "conditions": conditions,
        "figures": figures,
        "claims": [{**asdict(claim), "holds": claim.holds} for claim in judged],
    }


def replace_figures(document: str, figures: str) -> str:
    """Return a document with the figures between its markers replaced. Raises ValueError if a marker is missing."""
    before, begin, rest = document.partition(_BEGIN)
    _old, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"the document lacks the markers {_BEGIN} and {_END}")
    return f"{before}{begin}\n\n{figures.strip()}\n\n{end}{after}"


def _decimal(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _pad(line: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for column, (cell, width) in enumerate(zip(line, widths, strict=True)):
        yield cell.ljust(width) if column == 0 else cell.rjust(width)
