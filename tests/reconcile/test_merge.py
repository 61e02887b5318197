"""Observations become records: what is told replaces, what is not told stays, new terms are told."""

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
from tests.reconcile.ledger import Ledger

STOPPED = {"status": ResourceStatus.STOPPED, "vendor_status": "stopped"}


def roles(ledger: Ledger, *told: Observation) -> list[list[OfferRole]]:
    """Which offers each of these listings adds."""
    return [[entry.role for entry in ledger.sweep(complete(one)).provenance] for one in told]


def test_a_field_that_is_not_told_stays() -> None:
    """A call that does not carry a field says nothing about it; null is something said."""
    ledger = Ledger()
    ledger.sweep(complete(machine("m-1")))
    ledger.sweep(
        complete(replace(machine("m-1"), name=NOT_REPORTED, access=NOT_REPORTED, spec=NOT_REPORTED, price=NOT_REPORTED))
    )
    first = ledger.machine("m-1").live
    assert ("name of m-1", 22) == (first.name, first.access.ssh_port if first.access else None)
    ledger.sweep(complete(machine("m-1", name=None, access=None)))
    assert (None, None) == (ledger.machine("m-1").live.name, ledger.machine("m-1").live.access)


def test_what_only_an_unread_price_list_tells_stays() -> None:
    """CPUs and memory of the same sku are kept while the list is not known; of another sku, and once it is read, they are not."""
    ledger = Ledger()
    known = Spec(gpu_count=1, vcpu_count=30, memory_gb=200, vendor_sku="a")
    seen = []
    for spec, partial in (
        (known, False),
        (Spec(gpu_type="nvidia-a10", vendor_sku="a", image="new"), True),
        (Spec(vendor_sku="b"), True),
        (known, False),
        (Spec(vendor_sku="a"), False),
    ):
        ledger.sweep(complete(machine("m-1", spec=spec, partial_spec=partial)))
        seen.append(ledger.machine("m-1").live.spec)

    kept = replace(known, gpu_type="nvidia-a10", image="new")
    assert [known, kept, Spec(vendor_sku="b"), known, Spec(vendor_sku="a")] == seen


def test_an_untold_price_stays_only_with_the_same_sku_and_size() -> None:
    """While the price list cannot be read, what one type costs is not said of another."""
    ledger = Ledger()
    price = Price(0.2, "EUR", PriceSource.CATALOGUE, START)
    ledger.sweep(complete(machine("m-1", spec=Spec(vendor_sku="a", disk_gb=10), price=price)))
    seen = []
    for spec in (
        Spec(vendor_sku="a", disk_gb=10),
        Spec(vendor_sku="a", disk_gb=20),
        NOT_REPORTED,
        Spec(vendor_sku="b"),
    ):
        ledger.sweep(complete(machine("m-1", spec=spec, price=NOT_REPORTED if spec is not NOT_REPORTED else price)))
        seen.append(ledger.machine("m-1").live.price)
    assert [price, NO_PRICE, price, NO_PRICE] == seen


def test_every_change_is_in_the_history_once() -> None:
    """A stop changes two words and the price; the listing after it changes nothing."""
    ledger = Ledger()
    ledger.sweep(complete(machine("m-1")))
    stopped = machine("m-1", **STOPPED, price=Price(0.0, "USD", PriceSource.VENDOR))
    changed = [(entry.field, entry.before, entry.after) for entry in ledger.sweep(complete(stopped)).history]
    assert [
        ("status", "RUNNING", "STOPPED"),
        ("vendorStatus", "active", "stopped"),
        ("pricingTotalHourly", 0.75, 0.0),
    ] == changed
    assert () == ledger.sweep(complete(stopped)).history


def test_every_resource_has_an_observed_offer_also_without_a_price() -> None:
    """Where no terms are told, the offer is of an unknown contract."""
    ledger = Ledger()
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
def test_new_terms_in_the_same_status_are_told(terms: Terms, expected: list[OfferRole]) -> None:
    """Sku, contract type and the rate while running are the terms."""
    assert [[OfferRole.OBSERVED], expected] == roles(Ledger(), machine("m-1"), machine("m-1", terms=terms))


def test_terms_are_compared_in_the_same_status() -> None:
    """A stopped machine's lower rate is no new offer; running again under another sku is."""
    stopped = machine("m-1", **STOPPED, terms=replace(TERMS, running_rate=0.1))
    resized = machine("m-1", terms=replace(TERMS, sku="gpu_8x_h100"))
    expected = [[OfferRole.OBSERVED], [], [], [OfferRole.RETERMED]]
    assert expected == roles(Ledger(), machine("m-1"), stopped, machine("m-1"), resized)


def test_a_rate_that_floats_by_nature_is_no_new_offer() -> None:
    """A spot machine's rate moves in the history only."""
    spot = replace(TERMS, contract_type=ContractType.SPOT)
    dearer = replace(spot, running_rate=9.0)
    assert [[OfferRole.OBSERVED], []] == roles(Ledger(), machine("m-1", terms=spot), machine("m-1", terms=dearer))


def test_a_rate_that_is_not_told_for_a_while_hides_no_new_terms() -> None:
    """The rate told before it went untold is the one to compare with."""
    untold = machine("m-1", terms=replace(TERMS, running_rate=None, currency=None))
    dearer = machine("m-1", terms=replace(TERMS, running_rate=9.0))
    expected = [[OfferRole.OBSERVED], [], [], [], [OfferRole.RETERMED]]
    assert expected == roles(Ledger(), machine("m-1"), untold, machine("m-1"), untold, dearer)


def test_attached_again_at_a_later_time_is_another_link() -> None:
    """Detached and attached between two listings: the first ends when the second begins, and neither is open twice."""
    ledger = Ledger()
    first, second = START - timedelta(days=3), START + timedelta(seconds=30)
    ledger.sweep(complete(machine("m-1", links=(attached("v-1", first),))))
    ledger.advance(60)
    again = ledger.sweep(complete(machine("m-1", links=(attached("v-1", second),))))
    assert [(first, second)] == [(link.linked_since, link.linked_until) for link in again.closed]
    assert [(second, None)] == [(link.linked_since, link.linked_until) for link in ledger.links]
    late = ledger.sweep(complete(machine("m-1", links=(attached("v-1", first),))))
    assert ((), ()) == (late.opened, late.closed), "an earlier time is a late answer"


def test_a_link_has_the_vendors_time_of_attachment_else_our_first_sight() -> None:
    """And it does not move when the link is told again."""
    ledger = Ledger()
    since = START - timedelta(days=3)
    ledger.sweep(complete(machine("m-1", links=(attached("v-1", since), attached("v-2")))))
    ledger.advance(60)
    again = ledger.sweep(complete(machine("m-1", links=(attached("v-1"), attached("v-2")))))
    assert ((), ()) == (again.opened, again.closed)
    assert [since, START] == [link.linked_since for link in ledger.links]


def test_an_end_that_is_seen_later_tells_of_the_link_too() -> None:
    """Its history begins with a snapshot, and then the link that was told before it was recorded."""
    ledger = Ledger()
    member = Attachment(LinkType.MEMBER_OF, ResourceKind.MACHINES, "m-2")
    ledger.sweep(complete(machine("m-1", links=(member,))))
    told = ledger.sweep(complete(machine("m-1", links=(member,)), machine("m-2"))).history
    assert ["resource", "linkedResources"] == [entry.field for entry in told]
    assert {"m-2"} == {ledger.record(entry.resource_id).vendor_id for entry in told}


def test_an_older_listing_does_not_reopen_what_a_deletion_closed() -> None:
    """The other end is a tombstone that is newer than the flight."""
    ledger = Ledger()
    member = Attachment(LinkType.MEMBER_OF, ResourceKind.MACHINES, "m-2")
    listing = complete(machine("m-1", links=(member,)), machine("m-2"))
    ledger.sweep(listing)
    slow = ledger.draw()
    gone = machine("m-2", status=ResourceStatus.DELETED, vendor_status="terminated")
    ledger.probe("m-2", ProbeResult("found", gone))
    ledger.sweep(complete(machine("m-1", name="renamed", links=(member,)), machine("m-2")), ticket=slow)
    assert ("renamed", []) == (ledger.machine("m-1").live.name, ledger.links)


def test_a_link_told_before_an_id_was_used_again_is_not_the_new_bearers() -> None:
    """A slow listing speaks of the volume that had the id when it was sent."""
    ledger = Ledger()
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
    ledger = Ledger()
    member = Attachment(LinkType.MEMBER_OF, ResourceKind.MACHINES, "m-2")
    ledger.sweep(complete(machine("m-1", links=(member,)), machine("m-2")))
    gone = machine("m-2", status=ResourceStatus.DELETED, vendor_status="terminated")
    changes = ledger.sweep(complete(machine("m-1", links=(member,)), gone))
    assert ["m-2"] == [link.to_key.vendor_id for link in changes.closed]


def test_a_change_of_links_is_in_the_history_of_both_ends() -> None:
    """Each end tells it from its own side."""
    ledger = Ledger()
    member = Attachment(LinkType.MEMBER_OF, ResourceKind.MACHINES, "m-2")
    ledger.sweep(complete(machine("m-1"), machine("m-2")))
    told = ledger.sweep(complete(machine("m-1", links=(member,)), machine("m-2"))).history
    seen = {ledger.record(entry.resource_id).vendor_id: entry.after for entry in told}
    words = {key: (value["linkType"], value["vendorId"]) for key, value in seen.items() if isinstance(value, dict)}
    assert {"m-1": ("MEMBER_OF", "m-2"), "m-2": ("HAS_MEMBER", "m-1")} == words
