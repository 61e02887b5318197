"""When two records are of one machine."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.records.duplicates import Candidate, same_machines
from domain.records.observation import UpstreamResource
from tests.clock import START

UUID = "13b057d7-e266-4869-985f-760fe75a78b3"
DIRECT = Candidate("direct", 1, "hyperstack", UUID, "hyperstack", START, "192.0.2.1", None)
AGGREGATED = Candidate(
    "aggregated", 2, "shadeform", "d290f1ee", None, START, "192.0.2.1", UpstreamResource("hyperstack", UUID)
)
OTHER_KEY = replace(DIRECT, resource_id="other", account_id=3)


def test_an_aggregators_word() -> None:
    """The aggregator's record is the duplicate of the cloud's own, whichever account was configured first."""
    assert {("aggregated", "direct")} == same_machines([AGGREGATED, DIRECT])
    assert {("aggregated", "direct")} == same_machines([replace(DIRECT, account_id=9), AGGREGATED])


@pytest.mark.parametrize(
    "other",
    [
        replace(DIRECT, vendor="lambda"),
        replace(DIRECT, vendor_id=UUID.replace("1", "2")),
        replace(DIRECT, account_id=2),
        replace(DIRECT, upstream=UpstreamResource("aws", UUID)),
    ],
)
def test_another_machine(other: Candidate) -> None:
    """Another cloud, another id, the same account, or another aggregator: nothing is joined."""
    assert frozenset() == same_machines([AGGREGATED, other])


def test_a_short_number_needs_the_address_too() -> None:
    """`4711` may be a machine of anybody's."""
    claim = replace(AGGREGATED, upstream=UpstreamResource("hyperstack", "4711"))
    direct = replace(DIRECT, vendor_id="4711")
    assert {("aggregated", "direct")} == same_machines([claim, direct])
    for ip in (None, "192.0.2.2"):
        assert frozenset() == same_machines([claim, replace(direct, external_ip=ip)])
    assert frozenset() == same_machines([replace(claim, external_ip=None), replace(direct, external_ip=None)])


def test_two_keys_of_one_account() -> None:
    """The account configured first has the direct record; with an aggregator besides, its record is a duplicate of both."""
    assert {("other", "direct")} == same_machines([OTHER_KEY, DIRECT])
    everything = same_machines([AGGREGATED, OTHER_KEY, DIRECT])
    assert {("other", "direct"), ("aggregated", "direct"), ("aggregated", "other")} == everything


@pytest.mark.parametrize(
    "other",
    [
        replace(OTHER_KEY, id_space=None),
        replace(OTHER_KEY, id_space="hyperstack http://127.0.0.1:1"),
        replace(OTHER_KEY, created_at=START + timedelta(seconds=2)),
        replace(OTHER_KEY, created_at=None),
    ],
)
def test_the_same_id_is_not_enough(other: Candidate) -> None:
    """Ids that may come twice, another address of the API, another time of creation, or one that only one key is told."""
    assert frozenset() == same_machines([DIRECT, other])
    assert frozenset() == same_machines([replace(DIRECT, id_space=None), replace(other, id_space=None)])


@pytest.mark.parametrize(("vendor_id", "same"), [("0123456789abcdef" * 2, True), ("1" * 20, False), ("i-1", False)])
def test_without_a_time_of_creation(vendor_id: str, same: bool) -> None:
    """Only an id that does not come twice by chance is evidence."""
    pair = [replace(one, vendor_id=vendor_id, created_at=None) for one in (DIRECT, OTHER_KEY)]
    assert same == bool(same_machines(pair))


def test_copies_round_a_time_differently() -> None:
    """Within a second it is the same."""
    assert same_machines([DIRECT, replace(OTHER_KEY, created_at=START + timedelta(milliseconds=900))])
