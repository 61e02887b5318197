"""What is shown of the figures."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from benchmarks.asking import ONE, PAGE, REST
from benchmarks.figures import Run, Summary, Table
from benchmarks.report import Claim, Roles, as_json, claims, in_document, markdown, text

ROLES = Roles("ours", "ours on a file", ("quick peer", "slow peer"), "limit", "plain route")


def summary(per_second: float, **values: float) -> Summary:
    """Of one run."""
    run = Run(per_second, 2.0, 4.0, 300.0, 200.0, 90_000_000, 900.0)
    return Summary.of([replace(run, **values)])  # type: ignore[arg-type]


def table(ours: float) -> Table:
    """Everything was run; the quick peer answers 1,000 a second, the limit 3,000."""
    graph = {"ours": ours, "ours on a file": 1500.0, "quick peer": 1000.0, "slow peer": 10.0, "limit": 3000.0}
    one = {name: summary(value) for name, value in graph.items()}
    return {ONE: one, PAGE: one, REST: {"ours": summary(ours), "plain route": summary(500)}}


def test_a_table_shows_the_fastest_first_with_its_ratios() -> None:
    """To the faster peer, and to the limit."""
    lines = text(table(2600), ROLES).splitlines()
    assert ONE in lines[1]
    assert ["limit", "ours", "ours on a file", "quick peer", "slow peer"] == [line[:14].strip() for line in lines[2:7]]
    assert ["2.60", "0.87"] == lines[3].split()[-2:]
    assert len(lines[1]) == len(lines[2])


def test_the_markdown_has_the_same_cells() -> None:
    """A heading, a rule, a row a server."""
    lines = markdown(table(2600), ROLES).splitlines()
    assert lines[0].startswith(f"| {ONE} | requests/s | least to most |")
    assert "| ours | 2,600 | 2,600 to 2,600 | 2.00 | 4.00 | 300 | 200 | 90 | 2.60 | 0.87 |" == lines[3]
    assert 1 == len({line.count("|") for line in lines if line})


def test_rest_is_compared_with_the_plain_route() -> None:
    """The peers have no such route."""
    assert "| ours | 2,600 | 2,600 to 2,600 | 2.00 | 4.00 | 300 | 200 | 90 | 5.20 |  |" in markdown(table(2600), ROLES)


@pytest.mark.parametrize(("per_second", "holds"), [(3001, True), (2500, True), (2499, False)])
def test_claims_are_judged_by_the_faster_peer(per_second: float, holds: bool) -> None:
    """At least 2.5 times as many."""
    judged = {claim.what: claim for claim in claims(table(per_second), ROLES)}
    assert holds is judged[f"{ONE}, requests/s of ours over quick peer"].holds
    assert (1.0, per_second >= 3000) == (
        judged[f"{PAGE}, requests/s of ours over limit"].bound,
        judged[f"{PAGE}, requests/s of ours over limit"].holds,
    )


def test_what_was_not_run_is_neither_shown_nor_refuted() -> None:
    """As with `--only`."""
    judged = claims({ONE: {"ours": summary(1)}}, ROLES)
    assert {None, True} == {claim.holds for claim in judged}
    assert "not measured" in next(claim for claim in judged if claim.holds is None).told()


def test_a_long_tail_and_much_memory_are_told() -> None:
    """Both are bounded from above."""
    ours = {"ours": summary(1, p99_ms=6.1, memory_bytes=200_000_001)}
    judged = [claim for claim in claims({ONE: ours}, ROLES) if claim.holds is False]
    assert ["p99 over p50", "RSS in MB"] == [claim.what.rsplit(", ", 1)[1] for claim in judged]
    assert "DOES NOT HOLD: one resource, ours, p99 over p50: at most 3, measured 3.05" == judged[0].told()


def test_machines_get_everything() -> None:
    """Figures by subject and server, conditions, claims."""
    whole = json.loads(json.dumps(as_json(table(2600), {"cores": 2}, [Claim("a", 1, 2)])))
    assert 2600 == whole["figures"][ONE]["ours"]["per_second"]["median"]
    assert [{"what": "a", "bound": 1, "measured": 2, "at_most": False, "holds": True}] == whole["claims"]
    assert {"cores": 2} == whole["conditions"]


def test_a_documents_table_is_replaced_between_its_marks() -> None:
    """The rest of it stays."""
    document = "before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n"
    assert "before\n<!-- figures -->\n\nnew\n\n<!-- /figures -->\nafter\n" == in_document(document, "new\n")
    with pytest.raises(ValueError, match="marks"):
        in_document("no marks", "new")
