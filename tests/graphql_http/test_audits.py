"""The audits of the GraphQL-over-HTTP specification. The npm package `graphql-http` runs them over HTTP."""

from __future__ import annotations

import pytest

from tests.audits.run import AuditsUnavailable, run_audits
from tests.graphql_http.gateway import TOKEN, GraphQLGateway
from tests.web.stand_in import serving


def test_every_audit_passes() -> None:
    """All 61 audits pass: those of requirements (MUST), recommendations (SHOULD) and permissions (MAY)."""
    with serving(GraphQLGateway().app) as origin:
        try:
            results = run_audits(f"{origin}/graphql", TOKEN)
        except AuditsUnavailable as reason:
            pytest.skip(str(reason))
    assert [] == [(result.id, result.name, result.reason) for result in results if result.status != "ok"]
    assert 61 == len(results)
