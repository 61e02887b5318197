"""Random values of the right shape, a few of each vendor; `python -m tests.fuzz` reads many."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from domain.enums import PriceSource
from domain.records.observation import Access, Price, Spec
from tests.doubles import prism
from tests.doubles.fakes import fakes_by_vendor
from tests.fuzz.run import fuzz, impossible
from tests.vendors.toy import observed

ANSWERS = 12


@pytest.mark.parametrize("name", fakes_by_vendor())
async def test_nonsense_of_the_right_shape_never_breaks_it(name: str) -> None:
    """No reader breaks, and nothing impossible is told."""
    fake = fakes_by_vendor()[name]
    if fake.specification and (reason := prism.missing(fake.specification)):
        pytest.skip(reason)

    told = await fuzz(fake, ANSWERS)

    assert [] == told.amiss[:5]
    assert told.answers >= ANSWERS


@pytest.mark.parametrize("name", ["aws", "scaleway"])
async def test_what_was_recorded_is_changed_enough_to_try_the_guards(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of vendors without a specification: a reader that takes any time lets one through that cannot be."""
    monkeypatch.setattr("vendors.parse.fields._FIRST_YEAR", 1)

    told = await fuzz(fakes_by_vendor()[name], 200)

    assert any(each.startswith("time 19") for each in told.amiss)


def test_what_cannot_be_is_noticed() -> None:
    """The judge of the fuzz is no rubber stamp."""
    seen = observed("i-1")
    assert [] == impossible(seen)
    assert 1 == len(impossible(replace(seen, vendor_id="a b")))
    assert 1 == len(impossible(replace(seen, name="a\0b")))
    assert 1 == len(impossible(replace(seen, access=Access(ssh_port=0))))
    assert 1 == len(impossible(replace(seen, access=Access(ssh_command="ssh $(reboot)"))))
    assert 1 == len(impossible(replace(seen, spec=Spec(memory_gb=math.nan))))
    assert 1 == len(impossible(replace(seen, price=Price(-1.0, "USD", PriceSource.VENDOR))))
    assert 2 == len(impossible(replace(seen, price=Price(1.0, None, PriceSource.NONE))))
