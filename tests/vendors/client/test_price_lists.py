"""Prices joined from a vendor's price list, over real HTTP: when it is asked, and what becomes of a price when it fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from structlog.testing import capture_logs

from domain.enums import ContractType, OfferType, PriceSource, ResourceKind, ResourceStatus
from domain.records.observation import (
    NO_PRICE,
    NOT_REPORTED,
    Observation,
    Price,
    Spec,
    SweepOutcome,
    SweepResult,
    Terms,
)
from tests.clock import START, ManualClock
from tests.vendors.accounts import QUICK
from tests.vendors.loopback import Loopback, Reply, answer, loopback, silent
from tests.vendors.toy import Toy, ToyListing, ToySettings, observed
from vendors.base import ApiKey, Hardware, Listing, Page, PriceList, Quote, QuotePage, VendorRequest, VendorResponse
from vendors.client.call_context import new_tally
from vendors.client.cloud import VendorCloud
from vendors.client.transport import Transport

MACHINES = ResourceKind.MACHINES
HOUR = timedelta(hours=1)
FAILING = answer(b"no", 404)


@dataclass(frozen=True)
class ToyCatalogue:
    """Pages of `{"prices": {...}, "next": ...}`; a running machine is charged, nothing else is known to be."""

    tells_hardware: ClassVar[bool] = True

    def request(self, cursor: str | None) -> VendorRequest:
        """The call for a page."""
        return VendorRequest("prices", "/prices", query=(("after", cursor),) if cursor else ())

    def read(self, answer: VendorResponse) -> QuotePage:
        """No care is taken."""
        told: Any = answer.payload
        made_of = Hardware(gpu_count=0, vcpu_count=8, memory_gb=16)
        return QuotePage(
            {sku: Quote(hourly, "EUR", made_of) for sku, hourly in told["prices"].items()}, told.get("next")
        )

    def quote(self, told: Observation, quotes: Mapping[str, Quote]) -> Quote | None:
        """By the sku; the sku `broken` breaks it."""
        assert isinstance(told.terms, Terms)
        if told.terms.sku == "broken":
            raise KeyError(told.terms.sku)
        return quotes.get(told.terms.sku or "")

    def charged(self, told: Observation) -> bool:
        """While it runs."""
        return told.status is ResourceStatus.RUNNING


@dataclass(frozen=True)
class PricelessListing(ToyListing):
    """Ids are `id:sku` or `id:sku:stopped`."""

    def read(self, answer: VendorResponse) -> Page:
        """Machines without a price."""
        told: Any = answer.payload
        return Page(tuple(map(priceless, told["ids"])))


def priceless(told: str) -> Observation:
    """A machine of a sku."""
    vendor_id, sku, *stopped = told.split(":")
    terms = Terms(OfferType.VM, ContractType.ONDEMAND, sku, None, None)
    if sku == "told":
        terms = replace(terms, running_rate=7, currency="USD")
    price = Price(7, "USD", PriceSource.VENDOR) if sku == "told" else NO_PRICE
    status = ResourceStatus.STOPPED if stopped else ResourceStatus.RUNNING
    spec = Spec(gpu_count=4, vendor_sku=sku)
    return replace(observed(vendor_id), price=price, terms=terms, status=status, spec=spec)


class Priceless(Toy):
    """Its machines' prices are in its price list alone."""

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """One."""
        return (PricelessListing("machines"),)

    def catalogue(self, kind: ResourceKind, region: str | None) -> PriceList | None:
        """Of machines."""
        return ToyCatalogue() if kind is MACHINES else None

    def read_probe(self, kind: ResourceKind, region: str | None, vendor_id: str, answer: VendorResponse) -> Observation:
        """Of `h100`."""
        return priceless(f"{vendor_id}:h100")


@dataclass
class Stage:
    """The account, its clock, and what its vendor was asked."""

    cloud: VendorCloud
    clock: ManualClock
    server: Loopback

    async def sweep(self) -> SweepResult:
        """One."""
        return await self.cloud.sweep(MACHINES, None)

    @property
    def asked(self) -> list[str]:
        """The paths, in order."""
        return [request.split(b" ")[1].decode() for request in self.server.requests]


@asynccontextmanager
async def stage(*script: Reply) -> AsyncIterator[Stage]:
    """An account whose vendor answers by a script."""
    async with loopback(*script) as server:
        vendor, clock = Priceless(ToySettings(credentials=ApiKey.model_validate({"api_key": "key"}))), ManualClock()
        transport = Transport(
            "lab", lambda _: server.address, vendor.authorize, vendor.read_failure, clock=clock, limits=QUICK
        )
        cloud = VendorCloud("lab", vendor, transport, clock=clock)
        try:
            yield Stage(cloud, clock, server)
        finally:
            await cloud.close()


def machines(*ids: str) -> Reply:
    """A listing."""
    return answer(json.dumps({"ids": ids}).encode())


def prices(after: str | None = None, **hourly: float) -> Reply:
    """A page of the price list."""
    return answer(json.dumps({"prices": hourly, "next": after}).encode())


def joined(amount: float, as_of: datetime = START) -> Price:
    """A price of the catalogue."""
    return Price(amount, "EUR", PriceSource.CATALOGUE, as_of)


def told(result: SweepResult) -> dict[str, object]:
    """Prices by id; the sweep must be whole."""
    assert (SweepOutcome.COMPLETE, None) == (result.outcome, result.problem)
    return {one.vendor_id: one.price for one in result.observations}


def rate(result: SweepResult) -> tuple[float | None, str | None]:
    """The running rate of the first."""
    terms = result.observations[0].terms
    assert isinstance(terms, Terms)
    return terms.running_rate, terms.currency


async def test_a_missing_price_is_joined_with_its_source_and_time() -> None:
    """While running; a told price stays, one in a status of unknown cost is unknown, and so is what the list lacks."""
    listing = machines("a:h100", "b:told", "c:h100:stopped", "d:rare")
    async with stage(listing, prices("2", a10=1), prices(h100=2.5)) as on:
        result = await on.sweep()

        assert ["/machines", "/prices", "/prices?after=2"] == on.asked
    assert 3 == result.calls
    told_price = Price(7, "USD", PriceSource.VENDOR)
    assert {"a": joined(2.5), "b": told_price, "c": NO_PRICE, "d": NO_PRICE} == told(result)
    rates = {one.vendor_id: one.terms.running_rate for one in result.observations if isinstance(one.terms, Terms)}
    assert {"a": 2.5, "b": 7, "c": 2.5, "d": None} == rates


async def test_what_it_is_made_of_is_joined_where_the_listing_leaves_it_open() -> None:
    """What the listing tells stays; while the price list is not known, what is open says so."""
    async with stage(machines("a:h100"), FAILING, machines("a:h100", "b:rare"), prices(h100=2)) as on:
        (unread,) = (await on.sweep()).observations
        on.clock.advance(3600)
        read = {one.vendor_id: one for one in (await on.sweep()).observations}

    assert (Spec(gpu_count=4, vendor_sku="h100"), True) == (unread.spec, unread.partial_spec)
    whole = Spec(gpu_count=4, vcpu_count=8, memory_gb=16, vendor_sku="h100")
    assert (whole, False) == (read["a"].spec, read["a"].partial_spec)
    assert (Spec(gpu_count=4, vendor_sku="rare"), False) == (read["b"].spec, read["b"].partial_spec)


async def test_the_price_list_is_asked_for_once_an_hour() -> None:
    """A sweep costs its listing alone, and one call more where an hour has passed."""
    once = machines("a:h100")
    async with stage(once, prices(h100=2), once, once, prices(h100=3)) as on:
        counts = []
        for seconds in (0, 3599, 1):
            on.clock.advance(seconds)
            result = await on.sweep()
            counts.append(result.calls)

    assert [2, 1, 2] == counts
    assert {"a": joined(3, START + HOUR)} == told(result)
    assert (3, "EUR") == rate(result)


async def test_its_time_moves_with_the_price_and_once_a_day() -> None:
    """The same price read again every hour does not fill the history with its time."""
    hourly = [machines("a:h100"), prices(h100=2)] * 26
    times = []
    async with stage(*hourly) as on:
        for _ in range(26):
            price = told(await on.sweep())["a"]
            assert isinstance(price, Price)
            times.append(price.as_of)
            on.clock.advance(3600)

    assert [START] * 24 + [START + 24 * HOUR] * 2 == times


async def test_nothing_is_asked_where_nothing_is_missing() -> None:
    """An empty account, and one whose listing tells its prices."""
    async with stage(machines(), machines("a:told")) as on:
        for _ in range(2):
            assert 1 == (await on.sweep()).calls


@pytest.mark.parametrize(
    "failure",
    [FAILING, answer(b"", 429), answer(b"{}"), answer(b"", 401), answer(b'{"prices": {"h100": "free"}, "next": 5}')],
)
async def test_a_failed_price_list_fails_no_sweep_and_blanks_no_price(failure: Reply) -> None:
    """Without a known list the recorded price stays, while it can still be true; what is unknown stays unknown."""
    with capture_logs() as logs:
        async with stage(machines("a:h100", "c:h100:stopped"), failure) as on:
            result = await on.sweep()

    assert {"a": NOT_REPORTED, "c": NO_PRICE} == told(result)
    assert [("catalogue_not_read", "lab")] == [
        (line["event"], line["account"]) for line in logs if line["event"] == "catalogue_not_read"
    ]


async def test_a_failed_one_is_not_asked_for_again_at_once() -> None:
    """For five minutes; then it is."""
    once = machines("a:h100")
    async with stage(once, FAILING, once, once, prices(h100=2)) as on:
        counts = []
        for seconds in (0, 299, 1):
            on.clock.advance(seconds)
            result = await on.sweep()
            counts.append(result.calls)

    assert [2, 1, 2] == counts
    assert {"a": joined(2, START + timedelta(seconds=300))} == told(result)


async def test_a_known_list_serves_on_when_it_cannot_be_read_anew() -> None:
    """With its own time; a page that is missing spoils the whole new one."""
    once = machines("a:h100")
    async with stage(once, prices(h100=2), once, prices("2", h100=9), FAILING) as on:
        await on.sweep()
        on.clock.advance(7200)
        result = await on.sweep()

    assert 3 == result.calls
    assert {"a": joined(2)} == told(result)


async def test_a_stalled_list_costs_at_most_half_of_what_is_left_of_the_flight() -> None:
    """The sweep ends complete, before it would be cut off."""
    async with stage(machines("a:h100"), silent()) as on:
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + 0.6

        async def flight() -> SweepResult:
            new_tally(ends_at)
            return await on.sweep()

        result = await asyncio.create_task(flight())
        assert loop.time() < ends_at
    assert {"a": NOT_REPORTED} == told(result)


async def test_a_clock_set_back_keeps_no_old_list() -> None:
    """A list read in the future tells no age: it is read anew."""
    once = machines("a:h100")
    async with stage(once, prices(h100=2), once, prices(h100=3)) as on:
        await on.sweep()
        on.clock.advance(-60)
        assert {"a": joined(3, START - timedelta(seconds=60))} == told(await on.sweep())


async def test_a_probe_is_one_call() -> None:
    """It is priced by a known list, and reads none."""
    probed = answer(b"{}")
    async with stage(probed, machines("a:h100"), prices(h100=2), probed) as on:
        before = await on.cloud.probe(MACHINES, None, "a")
        await on.sweep()
        after = await on.cloud.probe(MACHINES, None, "a")

    assert before.observation is not None
    assert after.observation is not None
    assert (1, NOT_REPORTED, 1, joined(2)) == (
        before.calls,
        before.observation.price,
        after.calls,
        after.observation.price,
    )


async def test_two_scopes_share_one_reading() -> None:
    """Sweeps at the same time read it once."""
    async with loopback_of_paths() as on:
        first, second = await asyncio.gather(on.sweep(), on.sweep())

        assert 1 == on.asked.count("/prices")
    assert {"a": joined(2)} == told(first) == told(second)


@asynccontextmanager
async def loopback_of_paths() -> AsyncIterator[Stage]:
    """A stage that answers by the path, whatever the order."""
    async with stage(FAILING) as on:

        async def reply(writer: asyncio.StreamWriter) -> bool:
            path = on.asked[-1]
            return await (prices(h100=2) if path == "/prices" else machines("a:h100"))(writer)

        on.server.script = [reply]
        yield on


async def test_a_reader_that_breaks_leaves_the_machine_as_told() -> None:
    """Whatever the vendor's file does with a price list, the sweep stands."""
    async with stage(machines("a:broken", "b:h100"), prices(h100=2)) as on:
        assert {"a": NO_PRICE, "b": joined(2)} == told(await on.sweep())
