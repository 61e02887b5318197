"""Tests of an account's default max wait: its own, otherwise its vendor's, and never above the configured maximum."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from supplygraph.config.settings import AccountSettings, FreshnessSettings, Settings
from supplygraph.gateway import deadlines
from vendors.api_key import KeySettings
from vendors.base import ApiKey

_OWN = KeySettings(credentials=ApiKey(api_key=SecretStr("a-key")))


@pytest.mark.parametrize(
    ("vendor", "own", "longest", "expected"),
    [
        ("vast", None, 60.0, {"lab": 2.0}),
        ("vast", 7.0, 60.0, {"lab": 7.0}),
        ("vast", None, 1.0, {"lab": 1.0}),
        ("lambda", None, 60.0, {}),
        ("lambda", 7.0, 60.0, {"lab": 7.0}),
    ],
)
def test_default_max_wait_of_an_account(
    vendor: str, own: float | None, longest: float, expected: dict[str, float]
) -> None:
    """An account without its own or its vendor's default is left out; the global default applies to it."""
    account = AccountSettings(name="lab", vendor=vendor, deadline_seconds=own, own=_OWN)
    freshness = FreshnessSettings(deadline_seconds=1, deadline_max_seconds=longest)
    assert expected == deadlines(Settings(accounts=(account,), freshness=freshness))
