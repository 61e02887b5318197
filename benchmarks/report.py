"""What is shown of the figures: a table for people, the same in Markdown, everything for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from benchmarks.asking import ONE, PAGE, REST
from benchmarks.figures import Table, fastest, ratio

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
)
_BEGIN: Final = "<!-- figures -->"
_END: Final = "<!-- /figures -->"


@dataclass(frozen=True, slots=True)
class Roles:
    """Which server is which in the ratios."""

    ours: str
    ours_sqlite: str
    peers: tuple[str, ...]
    limit: str
    rest: str


def rows(table: Table, roles: Roles, subject: str) -> Iterator[tuple[str, ...]]:
    """One row a server, the fastest first."""
    servers = table.get(subject, {})
    best = roles.rest if subject == REST else fastest(table, subject, roles.peers)
    for name in sorted(servers, key=lambda each: -servers[each].per_second.median):
        told = servers[name]
        yield (
            name,
            f"{told.per_second.median:,.0f}",
            f"{told.per_second.least:,.0f} to {told.per_second.most:,.0f}",
            f"{told.p50_ms.median:.2f}",
            f"{told.p99_ms.median:.2f}",
            f"{told.server_cpu_us.median:,.0f}",
            f"{told.database_cpu_us.median:,.0f}",
            f"{told.memory_bytes.median / 1e6:.0f}",
            _times(ratio(table, subject, name, best) if best else None),
            _times(ratio(table, subject, name, roles.limit)),
        )


def text(table: Table, roles: Roles) -> str:
    """For a terminal."""
    told: list[str] = []
    for subject in table:
        lines = [(subject, *_COLUMNS), *rows(table, roles, subject)]
        widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
        told += ["", *("  ".join(_padded(line, widths)) for line in lines)]
    return "\n".join(told)


def markdown(table: Table, roles: Roles) -> str:
    """For a document."""
    told: list[str] = []
    for subject in table:
        head = (subject, *_COLUMNS)
        lines = [head, ("---", *("---:" for _ in _COLUMNS)), *rows(table, roles, subject)]
        told += [*(f"| {' | '.join(line)} |" for line in lines), ""]
    return "\n".join(told)


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that was to be shown: what, how much at least (or at most), and what was measured (None: not run)."""

    what: str
    bound: float
    measured: float | None
    at_most: bool = False

    @property
    def holds(self) -> bool | None:
        """Whether it does; None where it was not measured."""
        if self.measured is None:
            return None
        return self.measured <= self.bound if self.at_most else self.measured >= self.bound

    def told(self) -> str:
        """One line."""
        word = {True: "holds", False: "DOES NOT HOLD", None: "not measured"}[self.holds]
        measured = "" if self.measured is None else f", measured {self.measured:.2f}"
        return f"{word}: {self.what}: at {'most' if self.at_most else 'least'} {self.bound:g}{measured}"


def claims(table: Table, roles: Roles) -> list[Claim]:
    """What the project says of its speed, judged by these figures."""
    told: list[Claim] = []
    for subject, of_limit in ((ONE, 0.65), (PAGE, 1.0)):
        best = fastest(table, subject, roles.peers) or roles.peers[0]
        for ours, bound in ((roles.ours, 2.5), (roles.ours_sqlite, 1.5)):
            told.append(_faster(table, subject, ours, best, bound))
        told.append(_faster(table, subject, roles.ours, roles.limit, of_limit))
    told.append(_faster(table, REST, roles.ours, roles.rest, 3.0))
    for subject in (ONE, PAGE, REST):
        summary = table.get(subject, {}).get(roles.ours)
        tail = summary.tail.median if summary else None
        told.append(Claim(f"{subject}, {roles.ours}, p99 over p50", 3.0, tail, at_most=True))
    run = [servers[roles.ours].memory_bytes.most for servers in table.values() if roles.ours in servers]
    told.append(Claim(f"{roles.ours}, RSS in MB", 200, max(run) / 1e6 if run else None, at_most=True))
    return told


def _faster(table: Table, subject: str, server: str, other: str, bound: float) -> Claim:
    return Claim(f"{subject}, requests/s of {server} over {other}", bound, ratio(table, subject, server, other))


def as_json(table: Table, conditions: dict[str, Any], judged: Sequence[Claim]) -> dict[str, Any]:
    """For machines."""
    return {
        "conditions": conditions,
        "figures": {subject: {name: told.as_json() for name, told in each.items()} for subject, each in table.items()},
        "claims": [{**asdict(each), "holds": each.holds} for each in judged],
    }


def in_document(document: str, shown: str) -> str:
    """A document with its figures replaced. Raises ValueError where the marks around them are missing."""
    before, begin, rest = document.partition(_BEGIN)
    _old, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"the document lacks the marks {_BEGIN} and {_END}")
    return f"{before}{begin}\n\n{shown.strip()}\n\n{end}{after}"


def _times(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _padded(line: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for place, (cell, width) in enumerate(zip(line, widths, strict=True)):
        yield cell.ljust(width) if place == 0 else cell.rjust(width)
