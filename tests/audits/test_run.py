"""The runner of the GraphQL over HTTP audits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.audits.run import AuditResult, AuditsUnavailable, run_audits
from tests.web.stand_in import TOKEN, serving, stand_in


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """The URL of a server that accepts plain POST requests and little else."""
    with serving(stand_in()) as origin:
        yield origin


def _results_by_id(origin: str, token: str) -> dict[str, AuditResult]:
    try:
        return {result.id: result for result in run_audits(f"{origin}/graphql", token)}
    except AuditsUnavailable as reason:
        pytest.skip(str(reason))


def test_every_audit_runs_with_the_token(origin: str) -> None:
    """All 61 audits return a result, whether they pass or fail."""
    results = _results_by_id(origin, TOKEN)
    assert 61 == len(results)
    assert "ok" == results["2C94"].status
    assert any(result.status != "ok" for result in results.values())


def test_a_failed_audit_has_a_reason(origin: str) -> None:
    """With an unknown token the audit fails with a reason and the HTTP status."""
    result = _results_by_id(origin, "another")["2C94"]
    assert ("error", 401) == (result.status, result.http_status)
    assert result.reason
