"""Random values of the right shape, a few for each vendor; `python -m tests.fuzz` tests many."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from domain.enums import PriceSource
from domain.records.observation import Access, Price, Spec
from tests.doubles import prism
from tests.doubles.fakes import fakes_by_vendor
from tests.fuzz.run import fuzz, violations_of
from tests.vendors.toy import observe

RESPONSES = 12


@pytest.mark.parametrize("name", fakes_by_vendor())
async def test_random_responses(name: str) -> None:
    """No parser breaks, and no impossible value is observed."""
    fake = fakes_by_vendor()[name]
    if fake.specification and (reason := prism.missing(fake.specification)):
        pytest.skip(reason)

    summary = await fuzz(fake, RESPONSES)

    assert [] == summary.violations[:5]
    assert summary.responses >= RESPONSES


@pytest.mark.parametrize("name", ["aws", "scaleway"])
async def test_changes_reach_the_checks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the parser accepts any year, the changed recordings contain impossible times, and they are detected."""
    monkeypatch.setattr("vendors.parse.fields._FIRST_YEAR", 1)

    summary = await fuzz(fakes_by_vendor()[name], 200)

    assert any(violation.startswith("time 19") for violation in summary.violations)


def test_violations_are_detected() -> None:
    """The fuzz test's own checks detect each kind of violation."""
    observation = observe("i-1")
    assert [] == violations_of(observation)
    assert 1 == len(violations_of(replace(observation, vendor_id="a b")))
    assert 1 == len(violations_of(replace(observation, name="a\0b")))
    assert 1 == len(violations_of(replace(observation, access=Access(ssh_port=0))))
    assert 1 == len(violations_of(replace(observation, access=Access(ssh_command="ssh $(reboot)"))))
    assert 1 == len(violations_of(replace(observation, spec=Spec(memory_gb=math.nan))))
    assert 1 == len(violations_of(replace(observation, price=Price(-1.0, "USD", PriceSource.VENDOR))))
    assert 2 == len(violations_of(replace(observation, price=Price(1.0, None, PriceSource.NONE))))
