"""Which resource records describe the same machine."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.enums import ResourceKind
from domain.records.duplicates import Candidate, same_machines
from domain.records.observation import UpstreamResource
from tests.clock import START

UUID = "13b057d7-e266-4869-985f-760fe75a78b3"
MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES
DIRECT = Candidate("direct", 1, MACHINES, "hyperstack", UUID, "hyperstack", START, "192.0.2.1", None)
AGGREGATED = Candidate(
    "aggregated", 2, MACHINES, "shadeform", "d290f1ee", None, START, "192.0.2.1", UpstreamResource("hyperstack", UUID)
)
OTHER_KEY = replace(DIRECT, resource_id="other", account_id=3)


def test_an_aggregator_reports_the_upstream_machine() -> None:
    """The aggregator's record is a duplicate of the cloud's record, whichever account was configured first."""
    assert {("aggregated", "direct")} == same_machines([AGGREGATED, DIRECT])
    assert {("aggregated", "direct")} == same_machines([replace(DIRECT, account_id=9), AGGREGATED])


@pytest.mark.parametrize(
    "other",
    [
        replace(DIRECT, vendor="lambda"),
        replace(DIRECT, vendor_id=UUID.replace("1", "2")),
        replace(DIRECT, account_id=2),
        replace(DIRECT, upstream=UpstreamResource("aws", UUID)),
        replace(DIRECT, kind=VOLUMES),
    ],
)
def test_different_machines_are_not_joined(other: Candidate) -> None:
    """The other record has another cloud, id or kind, or the same account, or belongs to another aggregator."""
    assert frozenset() == same_machines([AGGREGATED, other])


def test_a_short_numeric_id_requires_an_equal_address() -> None:
    """The id `4711` could belong to any account."""
    claim = replace(AGGREGATED, upstream=UpstreamResource("hyperstack", "4711"))
    direct = replace(DIRECT, vendor_id="4711")
    assert {("aggregated", "direct")} == same_machines([claim, direct])
    for ip in (None, "192.0.2.2"):
        assert frozenset() == same_machines([claim, replace(direct, external_ip=ip)])
    assert frozenset() == same_machines([replace(claim, external_ip=None), replace(direct, external_ip=None)])


def test_volumes_of_two_keys() -> None:
    """They are joined as machines are, although a machine has the same id."""
    volume, other = (replace(candidate, kind=VOLUMES) for candidate in (DIRECT, OTHER_KEY))
    machine = replace(DIRECT, resource_id="machine")
    assert {("other", "direct")} == same_machines([volume, other, machine])


def test_two_keys_of_one_account() -> None:
    """The account configured first has the direct record. The record of an aggregator is a duplicate of both."""
    assert {("other", "direct")} == same_machines([OTHER_KEY, DIRECT])
    pairs = same_machines([AGGREGATED, OTHER_KEY, DIRECT])
    assert {("other", "direct"), ("aggregated", "direct"), ("aggregated", "other")} == pairs


@pytest.mark.parametrize(
    "other",
    [
        replace(OTHER_KEY, id_space=None),
        replace(OTHER_KEY, id_space="hyperstack http://127.0.0.1:1"),
        replace(OTHER_KEY, created_at=START + timedelta(seconds=2)),
        replace(OTHER_KEY, created_at=None),
        replace(OTHER_KEY, kind=VOLUMES),
    ],
)
def test_an_equal_id_is_not_sufficient(other: Candidate) -> None:
    """Ids may repeat, the API address, creation time or kind differs, or only one key reports a creation time."""
    assert frozenset() == same_machines([DIRECT, other])
    assert frozenset() == same_machines([replace(DIRECT, id_space=None), replace(other, id_space=None)])


@pytest.mark.parametrize(
    ("vendor_id", "same"),
    [("0123456789abcdef" * 2, True), ("agv6w2qcg7", True), ("1" * 20, False), ("i-1", False)],
)
def test_without_a_creation_time(vendor_id: str, same: bool) -> None:
    """Only an id that is too long to be repeated by chance is evidence."""
    pair = [replace(candidate, vendor_id=vendor_id, created_at=None) for candidate in (DIRECT, OTHER_KEY)]
    assert same == bool(same_machines(pair))


def test_creation_times_may_be_rounded_differently() -> None:
    """Creation times that differ by less than a second are equal."""
    assert same_machines([DIRECT, replace(OTHER_KEY, created_at=START + timedelta(milliseconds=900))])
