"""The runner of the audits itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.audits.run import AuditResult, AuditsUnavailable, run_audits
from tests.web.stand_in import TOKEN, serving, stand_in


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """A server that takes plain POST requests and little else."""
    with serving(stand_in()) as origin:
        yield origin


def _audits(origin: str, token: str) -> dict[str, AuditResult]:
    try:
        return {result.id: result for result in run_audits(f"{origin}/graphql", token)}
    except AuditsUnavailable as reason:
        pytest.skip(str(reason))


def test_every_audit_is_run_with_the_token(origin: str) -> None:
    """All 61 report, passes and failures alike."""
    results = _audits(origin, TOKEN)
    assert 61 == len(results)
    assert "ok" == results["2C94"].status
    assert any(result.status != "ok" for result in results.values())


def test_an_audit_that_fails_says_why(origin: str) -> None:
    """Without a token that the server knows, what must be answered is not."""
    refused = _audits(origin, "another")["2C94"]
    assert ("error", 401) == (refused.status, refused.http_status)
    assert refused.reason
