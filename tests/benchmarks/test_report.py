"""Tables and claims."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from benchmarks.figures import BenchSummary, Run, Table
from benchmarks.operations import BROWSER, FULL, ONE, PAGE, REST
from benchmarks.report import Claim, Roles, as_json, claims, markdown, replace_figures, text

ROLES = Roles("ours", "ours on a file", ("quick peer", "slow peer"), "limit", "constant", "plain route")


def summary(per_second: float, **values: float) -> BenchSummary:
    """Return the summary of one run."""
    run = Run(per_second, 2.0, 4.0, 300.0, 200.0, 90_000_000, 900.0)
    return BenchSummary.of([replace(run, **values)])  # type: ignore[arg-type]


def table(ours: float) -> Table:
    """Return a table of all subjects: the quick peer answers 1,000 requests a second, the limit 3,000."""
    graph = {"ours": ours, "ours on a file": 1500.0, "quick peer": 1000.0, "slow peer": 10.0, "limit": 3000.0}
    one = {name: summary(value) for name, value in graph.items()}
    constant = summary(9000, server_cpu_us=150)
    return {
        ONE: one | {"constant": constant},
        BROWSER: {"ours": summary(ours * 0.9), "constant": constant},
        PAGE: one,
        REST: {"ours": summary(ours), "plain route": summary(500)},
        FULL: {"ours": summary(ours * 2)},
    }


def judge(measured: Table) -> dict[str, Claim]:
    """Return the claims by their texts."""
    return {claim.what: claim for claim in claims(measured, ROLES)}


def test_a_table_shows_the_fastest_first_with_its_ratios() -> None:
    """The ratios are to the fastest peer, to the limit, and of CPU to the constant body."""
    lines = text(table(2600), ROLES).splitlines()
    names = ["constant", "limit", "ours", "ours on a file", "quick peer", "slow peer"]
    assert ONE in lines[1]
    assert names == [line[:14].strip() for line in lines[2:8]]
    assert ["2.60", "0.87", "2.00"] == lines[4].split()[-3:]
    assert len(lines[1]) == len(lines[2])


def test_the_markdown_has_the_same_cells() -> None:
    """It has a heading, a rule and a row for each server."""
    lines = markdown(table(2600), ROLES).splitlines()
    assert lines[0].startswith(f"| {ONE} | requests/s | least to most |")
    assert "| ours | 2,600 | 2,600 to 2,600 | 2.00 | 4.00 | 300 | 200 | 90 | 2.60 | 0.87 | 2.00 |" == lines[4]
    assert 1 == len({line.count("|") for line in lines if line})


def test_rest_is_compared_with_the_plain_route() -> None:
    """The peers have no such route."""
    row = "| ours | 2,600 | 2,600 to 2,600 | 2.00 | 4.00 | 300 | 200 | 90 | 5.20 |  |  |"
    assert row in markdown(table(2600), ROLES)


@pytest.mark.parametrize(("per_second", "holds"), [(3001, True), (2500, True), (2499, False)])
def test_claims_compare_with_the_fastest_peer(per_second: float, holds: bool) -> None:
    """The bound is 2.5 times its rate."""
    judged = judge(table(per_second))
    assert holds is judged[f"{ONE}, requests/s of ours over quick peer"].holds
    of_limit = judged[f"{PAGE}, requests/s of ours over limit"]
    assert (1.0, per_second >= 3000) == (of_limit.bound, of_limit.holds)


def test_rest_is_compared_with_the_full_selection() -> None:
    """Both answer the same, so REST must not be much slower."""
    claim = judge(table(2600))[f"ours, requests/s of {REST} over {FULL}"]
    assert (0.7, 0.5, False) == (claim.bound, claim.measured, claim.holds)


def test_a_browsers_headers_cost_little() -> None:
    """The same operation with more headers keeps most of its rate."""
    claim = judge(table(2600))[f"ours, requests/s of {BROWSER} over {ONE}"]
    assert (0.8, True) == (claim.bound, claim.holds)


def test_the_cpu_of_a_request_is_compared_with_the_constant_body() -> None:
    """It is the least that a request costs in this HTTP server."""
    judged = judge(table(2600))
    for subject in (ONE, BROWSER):
        claim = judged[f"{subject}, CPU per request of ours over constant"]
        assert (2.0, True, True) == (claim.measured, claim.at_most, claim.holds)


def test_a_claim_without_figures_is_neither_true_nor_false() -> None:
    """So it is with `--only`."""
    judged = claims({ONE: {"ours": summary(1)}}, ROLES)
    assert {None, True} == {claim.holds for claim in judged}
    assert "not measured" in next(claim for claim in judged if claim.holds is None).line


def test_the_tail_and_the_memory_have_upper_bounds() -> None:
    """A claim that does not hold says so in its line."""
    ours = {"ours": summary(1, p99_ms=6.1, memory_bytes=200_000_001)}
    judged = [claim for claim in claims({ONE: ours}, ROLES) if claim.holds is False]
    assert ["p99 over p50", "RSS in MB"] == [claim.what.rsplit(", ", 1)[1] for claim in judged]
    assert "DOES NOT HOLD: one resource, ours, p99 over p50: at most 3, measured 3.05" == judged[0].line


def test_the_json_has_everything() -> None:
    """It has figures by subject and server, conditions, and claims."""
    whole = json.loads(json.dumps(as_json(table(2600), {"cores": 2}, [Claim("a", 1, 2)])))
    assert 2600 == whole["figures"][ONE]["ours"]["per_second"]["median"]
    assert [{"what": "a", "bound": 1, "measured": 2, "at_most": False, "holds": True}] == whole["claims"]
    assert {"cores": 2} == whole["conditions"]


def test_figures_are_replaced_between_the_markers_of_a_document() -> None:
    """The rest of the document is unchanged."""
    document = "before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n"
    assert "before\n<!-- figures -->\n\nnew\n\n<!-- /figures -->\nafter\n" == replace_figures(document, "new\n")
    with pytest.raises(ValueError, match="markers"):
        replace_figures("no markers", "new")
