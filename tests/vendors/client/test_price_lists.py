"""Prices joined from a vendor's price list, over real HTTP: when the list is fetched, and what happens if that fails."""

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
from tests.vendors.toy import Toy, ToyListing, ToySettings, observe
from vendors.base import ApiKey, Hardware, Listing, Page, PriceList, Quote, QuotePage, VendorRequest, VendorResponse
from vendors.client.call_context import CALL_CONTEXT, CallContext
from vendors.client.cloud import VendorCloud
from vendors.client.transport import Transport

MACHINES = ResourceKind.MACHINES
HOUR = timedelta(hours=1)
FAILING = answer(b"no", 404)


@dataclass(frozen=True)
class ToyPriceList:
    """Pages of `{"prices": {...}, "next": ...}`. Only running machines are charged."""

    has_hardware: ClassVar[bool] = True

    def request(self, cursor: str | None) -> VendorRequest:
        """Return the request for a page."""
        return VendorRequest("prices", "/prices", query=(("after", cursor),) if cursor else ())

    def read(self, response: VendorResponse) -> QuotePage:
        """Parse without any checks."""
        body: Any = response.payload
        hardware = Hardware(gpu_count=0, vcpu_count=8, memory_gb=16)
        return QuotePage(
            {sku: Quote(hourly, "EUR", hardware) for sku, hourly in body["prices"].items()},
            body.get("next"),
        )

    def quote(self, observation: Observation, quotes: Mapping[str, Quote]) -> Quote | None:
        """Return the quote of the sku; the sku `broken` raises an error."""
        assert isinstance(observation.terms, Terms)
        if observation.terms.sku == "broken":
            raise KeyError(observation.terms.sku)
        return quotes.get(observation.terms.sku or "")

    def is_charged(self, observation: Observation) -> bool:
        """Return whether the machine is running."""
        return observation.status is ResourceStatus.RUNNING


@dataclass(frozen=True)
class PricelessListing(ToyListing):
    """Items are `id:sku` or `id:sku:stopped`."""

    def read(self, response: VendorResponse) -> Page:
        """Return machines without a price."""
        body: Any = response.payload
        return Page(tuple(map(priceless, body["ids"])))


def priceless(item: str) -> Observation:
    """Return a machine of a sku."""
    vendor_id, sku, *stopped = item.split(":")
    terms = Terms(OfferType.VM, ContractType.ONDEMAND, sku, None, None)
    if sku == "reported":
        terms = replace(terms, running_rate=7, currency="USD")
    price = Price(7, "USD", PriceSource.VENDOR) if sku == "reported" else NO_PRICE
    status = ResourceStatus.STOPPED if stopped else ResourceStatus.RUNNING
    spec = Spec(gpu_count=4, vendor_sku=sku)
    return replace(observe(vendor_id), price=price, terms=terms, status=status, spec=spec)


class Priceless(Toy):
    """A vendor whose machines have prices in its price list only."""

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """Return the one listing."""
        return (PricelessListing("machines"),)

    def price_list(self, kind: ResourceKind, region: str | None) -> PriceList | None:
        """Return the price list of machines."""
        return ToyPriceList() if kind is MACHINES else None

    def read_probe(
        self, kind: ResourceKind, region: str | None, vendor_id: str, response: VendorResponse
    ) -> Observation:
        """Return a machine with the sku `h100`."""
        return priceless(f"{vendor_id}:h100")


@dataclass
class PricedAccount:
    """An account, its clock, and the vendor's server."""

    cloud: VendorCloud
    clock: ManualClock
    server: Loopback

    async def sweep(self) -> SweepResult:
        """Run one sweep."""
        return await self.cloud.sweep(MACHINES, None)

    @property
    def requested_paths(self) -> list[str]:
        """Return the requested paths, in order."""
        return [request.split(b" ")[1].decode() for request in self.server.requests]


@asynccontextmanager
async def priced_account(*script: Reply) -> AsyncIterator[PricedAccount]:
    """Yield an account whose vendor answers by a script."""
    async with loopback(*script) as server:
        vendor, clock = Priceless(ToySettings(credentials=ApiKey.model_validate({"api_key": "key"}))), ManualClock()
        transport = Transport(
            "lab", lambda _: server.address, vendor.authorize, vendor.read_failure, clock=clock, limits=QUICK
        )
        cloud = VendorCloud("lab", vendor, transport, clock=clock)
        try:
            yield PricedAccount(cloud, clock, server)
        finally:
            await cloud.close()


def machines(*ids: str) -> Reply:
    """Return a listing."""
    return answer(json.dumps({"ids": ids}).encode())


def prices(after: str | None = None, **hourly: float) -> Reply:
    """Return a page of the price list."""
    return answer(json.dumps({"prices": hourly, "next": after}).encode())


def joined(amount: float, as_of: datetime = START) -> Price:
    """Return a price of the price list."""
    return Price(amount, "EUR", PriceSource.CATALOGUE, as_of)


def prices_by_id(result: SweepResult) -> dict[str, object]:
    """Return the prices by vendor id; the sweep must be complete."""
    assert (SweepOutcome.COMPLETE, None) == (result.outcome, result.problem)
    return {observation.vendor_id: observation.price for observation in result.observations}


def rate(result: SweepResult) -> tuple[float | None, str | None]:
    """Return the running rate of the first resource."""
    terms = result.observations[0].terms
    assert isinstance(terms, Terms)
    return terms.running_rate, terms.currency


async def test_missing_prices_are_joined() -> None:
    """A running machine without a price gets one; a reported price stays; a stopped machine and an unlisted sku get none."""
    listing = machines("a:h100", "b:reported", "c:h100:stopped", "d:rare")
    async with priced_account(listing, prices("2", a10=1), prices(h100=2.5)) as lab:
        result = await lab.sweep()

        assert ["/machines", "/prices", "/prices?after=2"] == lab.requested_paths
    assert 3 == result.calls
    reported_price = Price(7, "USD", PriceSource.VENDOR)
    assert {"a": joined(2.5), "b": reported_price, "c": NO_PRICE, "d": NO_PRICE} == prices_by_id(result)
    rates = {one.vendor_id: one.terms.running_rate for one in result.observations if isinstance(one.terms, Terms)}
    assert {"a": 2.5, "b": 7, "c": 2.5, "d": None} == rates


async def test_missing_hardware_is_joined() -> None:
    """Reported hardware stays. While no price list is cached, the observation says that its spec is partial."""
    async with priced_account(machines("a:h100"), FAILING, machines("a:h100", "b:rare"), prices(h100=2)) as lab:
        (without_list,) = (await lab.sweep()).observations
        lab.clock.advance(3600)
        with_list = {one.vendor_id: one for one in (await lab.sweep()).observations}

    assert (Spec(gpu_count=4, vendor_sku="h100"), True) == (without_list.spec, without_list.partial_spec)
    full_spec = Spec(gpu_count=4, vcpu_count=8, memory_gb=16, vendor_sku="h100")
    assert (full_spec, False) == (with_list["a"].spec, with_list["a"].partial_spec)
    assert (Spec(gpu_count=4, vendor_sku="rare"), False) == (with_list["b"].spec, with_list["b"].partial_spec)


async def test_price_list_is_fetched_once_an_hour() -> None:
    """A sweep costs only its listing, and one call more after an hour."""
    listing = machines("a:h100")
    async with priced_account(listing, prices(h100=2), listing, listing, prices(h100=3)) as lab:
        counts = []
        for seconds in (0, 3599, 1):
            lab.clock.advance(seconds)
            result = await lab.sweep()
            counts.append(result.calls)

    assert [2, 1, 2] == counts
    assert {"a": joined(3, START + HOUR)} == prices_by_id(result)
    assert (3, "EUR") == rate(result)


async def test_time_of_an_unchanged_price_moves_once_a_day() -> None:
    """The same price, fetched every hour, does not fill the history."""
    hourly = [machines("a:h100"), prices(h100=2)] * 26
    times = []
    async with priced_account(*hourly) as lab:
        for _ in range(26):
            price = prices_by_id(await lab.sweep())["a"]
            assert isinstance(price, Price)
            times.append(price.as_of)
            lab.clock.advance(3600)

    assert [START] * 24 + [START + 24 * HOUR] * 2 == times


async def test_price_list_is_not_fetched_without_need() -> None:
    """Neither for an empty account nor for one whose listing reports its prices."""
    async with priced_account(machines(), machines("a:reported")) as lab:
        for _ in range(2):
            assert 1 == (await lab.sweep()).calls


@pytest.mark.parametrize(
    "failure",
    [FAILING, answer(b"", 429), answer(b"{}"), answer(b"", 401), answer(b'{"prices": {"h100": "free"}, "next": 5}')],
)
async def test_failed_price_list(failure: Reply) -> None:
    """Without a cached list the recorded price stays while it may still be true; an unknown price stays unknown."""
    with capture_logs() as logs:
        async with priced_account(machines("a:h100", "c:h100:stopped"), failure) as lab:
            result = await lab.sweep()

    assert {"a": NOT_REPORTED, "c": NO_PRICE} == prices_by_id(result)
    assert [("price_list_unavailable", "lab")] == [
        (line["event"], line["account"]) for line in logs if line["event"] == "price_list_unavailable"
    ]


async def test_failed_price_list_is_not_retried_at_once() -> None:
    """It is fetched again after five minutes."""
    listing = machines("a:h100")
    async with priced_account(listing, FAILING, listing, listing, prices(h100=2)) as lab:
        counts = []
        for seconds in (0, 299, 1):
            lab.clock.advance(seconds)
            result = await lab.sweep()
            counts.append(result.calls)

    assert [2, 1, 2] == counts
    assert {"a": joined(2, START + timedelta(seconds=300))} == prices_by_id(result)


async def test_cached_list_stays_in_use() -> None:
    """The cached list stays in use with its own time; a missing page makes the whole new list unusable."""
    listing = machines("a:h100")
    async with priced_account(listing, prices(h100=2), listing, prices("2", h100=9), FAILING) as lab:
        await lab.sweep()
        lab.clock.advance(7200)
        result = await lab.sweep()

    assert 3 == result.calls
    assert {"a": joined(2)} == prices_by_id(result)


async def test_stalled_list_takes_half_of_the_time_left() -> None:
    """The sweep ends complete, before it would be cut off."""
    async with priced_account(machines("a:h100"), silent()) as lab:
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + 0.6

        async def flight() -> SweepResult:
            CALL_CONTEXT.set(CallContext(ends_at=ends_at))
            return await lab.sweep()

        result = await asyncio.create_task(flight())
        assert loop.time() < ends_at
    assert {"a": NOT_REPORTED} == prices_by_id(result)


async def test_clock_set_back() -> None:
    """A list that was read in the future has no age: it is fetched again."""
    listing = machines("a:h100")
    async with priced_account(listing, prices(h100=2), listing, prices(h100=3)) as lab:
        await lab.sweep()
        lab.clock.advance(-60)
        assert {"a": joined(3, START - timedelta(seconds=60))} == prices_by_id(await lab.sweep())


async def test_probe_fetches_no_price_list() -> None:
    """A probe uses a cached list, and fetches none."""
    resource = answer(b"{}")
    async with priced_account(resource, machines("a:h100"), prices(h100=2), resource) as lab:
        before = await lab.cloud.probe(MACHINES, None, "a")
        await lab.sweep()
        after = await lab.cloud.probe(MACHINES, None, "a")

    assert before.observation is not None
    assert after.observation is not None
    assert (1, NOT_REPORTED, 1, joined(2)) == (
        before.calls,
        before.observation.price,
        after.calls,
        after.observation.price,
    )


async def test_concurrent_sweeps_fetch_the_list_once() -> None:
    """Sweeps at the same time fetch it once."""
    async with account_by_path() as lab:
        first, second = await asyncio.gather(lab.sweep(), lab.sweep())

        assert 1 == lab.requested_paths.count("/prices")
    assert {"a": joined(2)} == prices_by_id(first) == prices_by_id(second)


@asynccontextmanager
async def account_by_path() -> AsyncIterator[PricedAccount]:
    """Yield an account whose vendor answers by the path, in any order."""
    async with priced_account(FAILING) as lab:

        async def reply(writer: asyncio.StreamWriter) -> bool:
            path = lab.requested_paths[-1]
            return await (prices(h100=2) if path == "/prices" else machines("a:h100"))(writer)

        lab.server.script = [reply]
        yield lab


async def test_broken_price_list_parser() -> None:
    """The sweep succeeds, whatever the vendor's code does with a price list."""
    async with priced_account(machines("a:broken", "b:h100"), prices(h100=2)) as lab:
        assert {"a": NO_PRICE, "b": joined(2)} == prices_by_id(await lab.sweep())
