"""Observations become records: a reported field replaces the recorded value, any other stays, new terms are recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.enums import (
    ContractType,
    LinkType,
    OfferRole,
    OfferType,
    PriceSource,
    ResourceKind,
    ResourceStatus,
)
from domain.records.observation import NO_PRICE, NOT_REPORTED, Attachment, Observation, Price, ProbeResult, Spec, Terms
from tests.clock import START
from tests.observations import TERMS, attached, complete, machine, volume
from tests.reconcile.rules.ledger import DecisionLedger

STOPPED = {"status": ResourceStatus.STOPPED, "vendor_status": "stopped"}


def roles(ledger: DecisionLedger, *observations: Observation) -> list[list[OfferRole]]:
    """Return the roles of the offers that each observation adds."""
    return [[entry.role for entry in ledger.sweep(complete(one)).provenance] for one in observations]


def test_a_field_that_is_not_reported_stays() -> None:
    """A call that does not carry a field says nothing about it. A null is a value."""
    ledger = DecisionLedger()
    ledger.sweep(complete(machine("m-1")))
    ledger.sweep(
        complete(replace(machine("m-1"), name=NOT_REPORTED, access=NOT_REPORTED, spec=NOT_REPORTED, price=NOT_REPORTED))
    )
    first = ledger.machine("m-1").live
    assert ("name of m-1", 22) == (first.name, first.access.ssh_port if first.access else None)
    ledger.sweep(complete(machine("m-1", name=None, access=None)))
    assert (None, None) == (ledger.machine("m-1").live.name, ledger.machine("m-1").live.access)


def test_hardware_that_only_an_unavailable_price_list_has_stays() -> None:
    """CPUs and memory of the same sku stay while the price list is unavailable, but not for another sku or once it is read."""
    ledger = DecisionLedger()
    whole = Spec(gpu_count=1, vcpu_count=30, memory_gb=200, vendor_sku="a")
    specs = []
    for spec, partial in (
        (whole, False),
        (Spec(gpu_type="nvidia-a10", vendor_sku="a", image="new"), True),
        (Spec(vendor_sku="b"), True),
        (whole, False),
        (Spec(vendor_sku="a"), False),
    ):
        ledger.sweep(complete(machine("m-1", spec=spec, partial_spec=partial)))
        specs.append(ledger.machine("m-1").live.spec)

    merged = replace(whole, gpu_type="nvidia-a10", image="new")
    assert [whole, merged, Spec(vendor_sku="b"), whole, Spec(vendor_sku="a")] == specs


def test_a_price_that_is_not_reported_stays_only_with_the_same_sku_and_size() -> None:
    """While the price list cannot be read, the price of one type is not taken for another."""
    ledger = DecisionLedger()
    price = Price(0.2, "EUR", PriceSource.CATALOGUE, START)
    ledger.sweep(complete(machine("m-1", spec=Spec(vendor_sku="a", disk_gb=10), price=price)))
    prices = []
    for spec in (
        Spec(vendor_sku="a", disk_gb=10),
        Spec(vendor_sku="a", disk_gb=20),
        NOT_REPORTED,
        Spec(vendor_sku="b"),
    ):
        ledger.sweep(complete(machine("m-1", spec=spec, price=NOT_REPORTED if spec is not NOT_REPORTED else price)))
        prices.append(ledger.machine("m-1").live.price)
    assert [price, NO_PRICE, price, NO_PRICE] == prices


def test_every_change_is_in_the_history_once() -> None:
    """A stop changes both statuses and the price. The listing after it changes nothing."""
    ledger = DecisionLedger()
    ledger.sweep(complete(machine("m-1")))
    stopped = machine("m-1", **STOPPED, price=Price(0.0, "USD", PriceSource.VENDOR))
    changes = [(entry.field, entry.before, entry.after) for entry in ledger.sweep(complete(stopped)).history]
    assert [
        ("status", "RUNNING", "STOPPED"),
        ("vendorStatus", "active", "stopped"),
        ("pricingTotalHourly", 0.75, 0.0),
    ] == changes
    assert () == ledger.sweep(complete(stopped)).history


def test_every_resource_has_an_observed_offer_also_without_terms() -> None:
    """If no terms are reported, the offer has an unknown contract."""
    ledger = DecisionLedger()
    (entry,) = ledger.sweep(complete(machine("m-1", terms=NOT_REPORTED, price=NOT_REPORTED))).provenance
    assert Terms(OfferType.VM, ContractType.UNKNOWN, "gpu_1x_a10", None, None) == entry.terms
    assert OfferRole.OBSERVED is entry.role


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (replace(TERMS, running_rate=0.99), [OfferRole.RETERMED]),
        (replace(TERMS, sku="gpu_8x_h100"), [OfferRole.RETERMED]),
        (replace(TERMS, contract_type=ContractType.RESERVED), [OfferRole.RETERMED]),
        (replace(TERMS, running_rate=None), []),
        (TERMS, []),
    ],
)
def test_new_terms_in_the_same_status_are_recorded(terms: Terms, expected: list[OfferRole]) -> None:
    """Sku, contract type and the rate while running are the terms."""
    assert [[OfferRole.OBSERVED], expected] == roles(DecisionLedger(), machine("m-1"), machine("m-1", terms=terms))


def test_terms_are_compared_in_the_same_status() -> None:
    """A stopped machine's lower rate is not a new offer. Running again under another sku is one."""
    stopped = machine("m-1", **STOPPED, terms=replace(TERMS, running_rate=0.1))
    resized = machine("m-1", terms=replace(TERMS, sku="gpu_8x_h100"))
    expected = [[OfferRole.OBSERVED], [], [], [OfferRole.RETERMED]]
    assert expected == roles(DecisionLedger(), machine("m-1"), stopped, machine("m-1"), resized)


def test_a_floating_rate_is_not_a_new_offer() -> None:
    """The rate of a spot machine changes only in the history."""
    spot = replace(TERMS, contract_type=ContractType.SPOT)
    dearer = replace(spot, running_rate=9.0)
    assert [[OfferRole.OBSERVED], []] == roles(
        DecisionLedger(), machine("m-1", terms=spot), machine("m-1", terms=dearer)
    )


def test_new_terms_are_noticed_after_the_rate_was_not_reported() -> None:
    """The last reported rate is the one to compare with."""
    without_rate = machine("m-1", terms=replace(TERMS, running_rate=None, currency=None))
    dearer = machine("m-1", terms=replace(TERMS, running_rate=9.0))
    expected = [[OfferRole.OBSERVED], [], [], [], [OfferRole.RETERMED]]
    assert expected == roles(DecisionLedger(), machine("m-1"), without_rate, machine("m-1"), without_rate, dearer)


def test_an_attachment_at_a_later_time_is_another_link() -> None:
    """A volume is detached and attached between two listings: the first link ends when the second begins."""
    ledger = DecisionLedger()
    first, second = START - timedelta(days=3), START + timedelta(seconds=30)
    ledger.sweep(complete(machine("m-1", links=(attached("v-1", first),))))
    ledger.advance(60)
    again = ledger.sweep(complete(machine("m-1", links=(attached("v-1", second),))))
    assert [(first, second)] == [(link.linked_since, link.linked_until) for link in again.closed]
    assert [(second, None)] == [(link.linked_since, link.linked_until) for link in ledger.links]
    late = ledger.sweep(complete(machine("m-1", links=(attached("v-1", first),))))
    assert ((), ()) == (late.opened, late.closed), "an earlier attachment time is a late answer"


def test_a_link_has_the_vendors_time_of_attachment_else_our_first_sight() -> None:
    """It does not move when the link is reported again."""
    ledger = DecisionLedger()
    since = START - timedelta(days=3)
    ledger.sweep(complete(machine("m-1", links=(attached("v-1", since), attached("v-2")))))
    ledger.advance(60)
    again = ledger.sweep(complete(machine("m-1", links=(attached("v-1"), attached("v-2")))))
    assert ((), ()) == (again.opened, again.closed)
    assert [since, START] == [link.linked_since for link in ledger.links]


def test_the_history_of_an_end_that_is_seen_later_has_the_link_too() -> None:
    """It starts with a snapshot, followed by the link that was reported before the end was recorded."""
    ledger = DecisionLedger()
    member = Attachment(LinkType.MEMBER_OF, ResourceKind.MACHINES, "m-2")
    ledger.sweep(complete(machine("m-1", links=(member,))))
    history = ledger.sweep(complete(machine("m-1", links=(member,)), machine("m-2"))).history
    assert ["resource", "linkedResources"] == [entry.field for entry in history]
    assert {"m-2"} == {ledger.record(entry.resource_id).vendor_id for entry in history}


def test_an_older_listing_does_not_reopen_what_a_deletion_closed() -> None:
    """The other end is a tombstone that is newer than the flight."""
    ledger = DecisionLedger()
    member = Attachment(LinkType.MEMBER_OF, ResourceKind.MACHINES, "m-2")
    listing = complete(machine("m-1", links=(member,)), machine("m-2"))
    ledger.sweep(listing)
    slow = ledger.draw()
    gone = machine("m-2", status=ResourceStatus.DELETED, vendor_status="terminated")
    ledger.probe("m-2", ProbeResult("found", gone))
    ledger.sweep(complete(machine("m-1", name="renamed", links=(member,)), machine("m-2")), ticket=slow)
    assert ("renamed", []) == (ledger.machine("m-1").live.name, ledger.links)


def test_a_link_reported_before_an_id_was_reused_does_not_link_the_new_resource() -> None:
    """A slow listing means the volume that had the id when the listing was sent."""
    ledger = DecisionLedger()
    ledger.sweep(complete(machine("m-1"), volume("v-1", created_at=START)))
    slow = ledger.draw()
    ledger.advance(60)
    again = volume("v-1", created_at=START + timedelta(seconds=30))
    ledger.in_scope(2).sweep(complete(again))
    ledger.in_scope(1).sweep(complete(machine("m-1", links=(attached("v-1"),))), ticket=slow)
    assert [] == ledger.links
    ledger.sweep(complete(machine("m-1", links=(attached("v-1"),))))
    assert 1 == len(ledger.links)


def test_a_deleted_end_closes_its_links() -> None:
    """Also a link whose owner is the other end."""
    ledger = DecisionLedger()
    member = Attachment(LinkType.MEMBER_OF, ResourceKind.MACHINES, "m-2")
    ledger.sweep(complete(machine("m-1", links=(member,)), machine("m-2")))
    gone = machine("m-2", status=ResourceStatus.DELETED, vendor_status="terminated")
    changes = ledger.sweep(complete(machine("m-1", links=(member,)), gone))
    assert ["m-2"] == [link.to_key.vendor_id for link in changes.closed]


def test_a_change_of_links_is_in_the_history_of_both_ends() -> None:
    """Each end has the link from its own side."""
    ledger = DecisionLedger()
    member = Attachment(LinkType.MEMBER_OF, ResourceKind.MACHINES, "m-2")
    ledger.sweep(complete(machine("m-1"), machine("m-2")))
    history = ledger.sweep(complete(machine("m-1", links=(member,)), machine("m-2"))).history
    after = {ledger.record(entry.resource_id).vendor_id: entry.after for entry in history}
    links = {key: (value["linkType"], value["vendorId"]) for key, value in after.items() if isinstance(value, dict)}
    assert {"m-1": ("MEMBER_OF", "m-2"), "m-2": ("HAS_MEMBER", "m-1")} == links
