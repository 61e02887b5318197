"""The default max wait of an account: its own, else its vendor's, and never longer than any reader may ask."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from supplygraph.config.settings import AccountSettings, FreshnessSettings, Settings
from supplygraph.gateway import deadlines
from vendors.api_key import KeySettings
from vendors.base import ApiKey

_OWN = KeySettings(credentials=ApiKey(api_key=SecretStr("a-key")))


@pytest.mark.parametrize(
    ("vendor", "own", "longest", "told"),
    [
        ("vast", None, 60.0, {"lab": 2.0}),
        ("vast", 7.0, 60.0, {"lab": 7.0}),
        ("vast", None, 1.0, {"lab": 1.0}),
        ("lambda", None, 60.0, {}),
        ("lambda", 7.0, 60.0, {"lab": 7.0}),
    ],
)
def test_whose_it_is(vendor: str, own: float | None, longest: float, told: dict[str, float]) -> None:
    """Nobody's where neither has one: then the global one is."""
    account = AccountSettings(name="lab", vendor=vendor, deadline_seconds=own, own=_OWN)
    freshness = FreshnessSettings(deadline_seconds=1, deadline_max_seconds=longest)
    assert told == deadlines(Settings(accounts=(account,), freshness=freshness))
