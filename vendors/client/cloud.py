"""One account at its vendor: runs the listings of a scope page by page, and probes single resources.

Nothing here raises because of what a cloud did; a failure becomes part of the result.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeVar

import structlog

from domain.enums import ResourceKind, StaleReason
from domain.errors import MalformedAnswer, NotFoundByVendor, NothingReturned, VendorFailure
from domain.records.observation import CallTrace, Observation, ProbeResult, SweepOutcome, SweepResult
from domain.timestamps import Clock
from vendors.base import Listing, Page, PageSource, PageT_co, PriceList, Quote, Vendor, VendorRequest, VendorResponse
from vendors.client.call_context import CallContext, current_context
from vendors.client.parse_guard import parse_guard
from vendors.client.price_lists import PriceLists
from vendors.client.rate_limits import Remaining
from vendors.client.transport import Transport

PAGE_LIMIT: Final = 1000
_ANY_ID: Final = "any"
_log = structlog.get_logger(__name__)
FlightT = TypeVar("FlightT", SweepResult, ProbeResult)


def no_renewal() -> None:
    """Return no credentials: they cannot be read again."""


class EndlessListing(VendorFailure):
    """A listing repeats a cursor, or has more pages than allowed."""

    reason = StaleReason.PARTIAL_SWEEP


class ListingChanged(VendorFailure):
    """A listing returned other items than the total that the vendor reports: it changed while it was read, or was cut."""

    reason = StaleReason.PARTIAL_SWEEP


class _ListingCount:
    """Compares the totals that one listing's pages report with the number of distinct ids that they returned."""

    def __init__(self) -> None:
        self._totals: set[int] = set()
        self._ids: set[str] = set()

    def add(self, page: Page) -> None:
        if page.total is not None:
            self._totals.add(page.total)
        self._ids.update(observation.vendor_id for observation in page.observations)

    def check(self, operation: str) -> None:
        """Raise ListingChanged if the listing cannot be complete."""
        if self._totals and self._totals != {len(self._ids)}:
            totals = " and ".join(str(total) for total in sorted(self._totals)[:2])
            raise ListingChanged(f"{operation}: the vendor reports a total of {totals}, but returned {len(self._ids)}.")


class SweepAccumulator:
    """Collects the pages of a sweep. If a vendor id is returned twice, the last observation is used."""

    def __init__(self, context: CallContext) -> None:
        self._context = context
        self._trace: list[CallTrace] = []
        self._dropped = 0
        self._observations: dict[str, Observation] = {}

    def add(self, page: Page, call: CallTrace) -> None:
        """Add one page and the call that returned it."""
        call_index = len(self._trace)
        self._trace.append(call)
        self._dropped += page.dropped
        for observation in page.observations:
            self._observations[observation.vendor_id] = replace(observation, call=call_index)

    def result(self, failure: VendorFailure | None = None) -> SweepResult:
        """Return the sweep so far; with a failure it is partial, or failed if no page was read."""
        outcome = SweepOutcome.PARTIAL if self._trace else SweepOutcome.FAILED
        return SweepResult(
            SweepOutcome.COMPLETE if failure is None else outcome,
            tuple(self._observations.values()),
            None if failure is None else failure.problem(),
            self._context.calls,
            self._dropped,
            tuple(self._trace),
        )


class VendorCloud:
    """Implements `domain.ports.CloudClient` with a vendor's adapter and a transport."""

    def __init__(
        self,
        account: str,
        vendor: Vendor,
        transport: Transport,
        *,
        clock: Clock,
        page_limit: int = PAGE_LIMIT,
        kinds: Collection[ResourceKind] = tuple(ResourceKind),
        renew: Callable[[], Vendor | None] = no_renewal,
    ) -> None:
        """`kinds` are the kinds that the account lists. `renew` reads the credentials again, in a thread."""
        self.account = account
        self.vendor: str = vendor.name
        self.links_owner: ResourceKind = vendor.links_owner
        self._vendor = vendor
        self._transport = transport
        self._page_limit = page_limit
        self._kinds = kinds
        self._renew = renew
        self._renewal = asyncio.Lock()
        self._price_lists = PriceLists(account, clock, self._fetch_quotes)

    @property
    def scopes(self) -> tuple[tuple[ResourceKind, str | None], ...]:
        """Every scope that the account has by its configuration."""
        return tuple((kind, region) for kind in self._configured for region in self._vendor.regions(kind))

    @property
    def _configured(self) -> Iterator[ResourceKind]:
        return (kind for kind in ResourceKind if kind in self._kinds)

    def sweep_calls(self, kind: ResourceKind) -> int:
        """Return how many calls a sweep of a small scope costs at least."""
        return len(self._vendor.listings(kind, self._vendor.regions(kind)[0]))

    def probes(self, kind: ResourceKind) -> bool:
        """Return whether single resources of the kind can be probed, with a documented response for "not found"."""
        return self._vendor.probe_request(kind, self._vendor.regions(kind)[0], _ANY_ID) is not None

    @property
    def fingerprint(self) -> Callable[[str], str]:
        """A function that returns a salted hash of the present credentials.

        The hash shows whether two credentials are equal, and nothing else. The function goes on hashing the credentials
        of its flight if they are replaced while the flight is recorded.
        """
        text = self._vendor.credential_text()
        return lambda salt: hmac.new(salt.encode(), text.encode(), hashlib.sha256).hexdigest()

    def remaining(self) -> Remaining:
        """Return what is left of the budget, in the region with the least left."""
        regions = {region for kind in self._configured for region in self._vendor.regions(kind)}
        budgets = [self._transport.budget(region).remaining() for region in regions]
        return min(budgets, key=lambda budget: float("inf") if budget.calls is None else budget.calls)

    async def sweep(self, kind: ResourceKind, region: str | None) -> SweepResult:
        """List all pages of a scope. The sweep is complete if all its listings end. Safe to repeat and to cancel."""
        return await self._with_present_credentials(lambda context: self._sweep(kind, region, context))

    async def probe(self, kind: ResourceKind, region: str | None, vendor_id: str) -> ProbeResult:
        """Request one resource by its id. Safe to repeat and to cancel."""
        return await self._with_present_credentials(lambda context: self._probe(kind, region, vendor_id, context))

    async def _with_present_credentials(self, flight: Callable[[CallContext], Awaitable[FlightT]]) -> FlightT:
        """Return the result of a flight; run it again if the credentials were replaced, because of its refusal or meanwhile.

        After a refusal they are read again, once. They may belong to another account, so that a flight with old and new
        credentials would mix two accounts.
        """
        context = current_context()
        vendor = self._vendor
        result = await flight(context)
        if result.problem is not None and result.problem.reason is StaleReason.AUTH_REJECTED:
            await self._renew_credentials(vendor)
        return result if self._vendor is vendor else await flight(context)

    async def _renew_credentials(self, refused: Vendor) -> None:
        """Read the credentials again, unless another flight has replaced the refused ones, and use them if they differ."""
        async with self._renewal:
            if self._vendor is not refused:
                return
            vendor = await asyncio.to_thread(self._renew)
            if vendor is None or vendor.credential_text() == refused.credential_text():
                return
            self._vendor = vendor
            self._transport.use_credentials(vendor.authorize, vendor.secrets)
            _log.info("credentials_renewed", account=self.account)

    async def _sweep(self, kind: ResourceKind, region: str | None, context: CallContext) -> SweepResult:
        accumulator = SweepAccumulator(context)
        try:
            for listing in self._vendor.listings(kind, region):
                await self._read_listing(listing, region, accumulator, context)
        except NotFoundByVendor as failure:
            # A listing that does not exist is not evidence of absence: a wrong endpoint gives the same response.
            return accumulator.result(MalformedAnswer(failure.detail))
        except VendorFailure as failure:
            return await self._with_prices(accumulator.result(failure), kind, region, context)
        return await self._with_prices(accumulator.result(), kind, region, context)

    async def _probe(self, kind: ResourceKind, region: str | None, vendor_id: str, context: CallContext) -> ProbeResult:
        try:
            observation, call = await self._read_resource(kind, region, vendor_id, context)
        except NotFoundByVendor:
            return ProbeResult("gone", calls=context.calls)
        except NothingReturned:
            return ProbeResult("empty", calls=context.calls)
        except VendorFailure as failure:
            return ProbeResult("failed", problem=failure.problem(), calls=context.calls)
        price_list = self._vendor.price_list(kind, region)
        priced = self._price_lists.add_cached_price(price_list, region, observation)
        return ProbeResult("found", replace(priced, call=0), calls=context.calls, trace=(call,))

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def _with_prices(
        self, result: SweepResult, kind: ResourceKind, region: str | None, context: CallContext
    ) -> SweepResult:
        """Return the sweep with the prices that its listing lacks."""
        price_list = self._vendor.price_list(kind, region)
        observations = await self._price_lists.add_prices(price_list, region, result.observations, context)
        return replace(result, observations=observations, calls=context.calls)

    async def _read_listing(
        self, listing: Listing, region: str | None, accumulator: SweepAccumulator, context: CallContext
    ) -> None:
        count = _ListingCount()
        async for number, request, response, page in self._pages(listing, region, context):
            accumulator.add(page, _trace(request, response, number))
            count.add(page)
            if page.cursor is None:
                count.check(request.operation)

    async def _fetch_quotes(
        self, price_list: PriceList, region: str | None, context: CallContext
    ) -> Mapping[str, Quote]:
        """Return the quotes of all pages of a price list. Raise VendorFailure."""
        quotes: dict[str, Quote] = {}
        async for _, _, _, page in self._pages(price_list, region, context):
            quotes.update(page.quotes)
        return quotes

    async def _pages(
        self, source: PageSource[PageT_co], region: str | None, context: CallContext
    ) -> AsyncIterator[tuple[int, VendorRequest, VendorResponse, PageT_co]]:
        """Yield every page with its number, from 1, and its call.

        Raise VendorFailure. EndlessListing is raised after the pages that were read have been yielded.
        """
        cursors: set[str] = set()
        cursor: str | None = None
        for number in range(1, self._page_limit + 1):
            with parse_guard(self.account, "list"):
                request = source.request(cursor)
            response = replace(await self._transport.send(request, region, context), cursor=cursor)
            with parse_guard(self.account, request.operation):
                page = source.read(response)
                cursor = page.cursor
                repeated = cursor in cursors
            yield number, request, response, page
            if cursor is None:
                return
            if repeated:
                raise EndlessListing(f"{request.operation}: the listing refers to the same page again.")
            cursors.add(cursor)
        raise EndlessListing(f"{request.operation}: the listing has more than {self._page_limit} pages.")

    async def _read_resource(
        self, kind: ResourceKind, region: str | None, vendor_id: str, context: CallContext
    ) -> tuple[Observation, CallTrace]:
        with parse_guard(self.account, "probe"):
            request = self._vendor.probe_request(kind, region, vendor_id)
        if request is None:
            raise MalformedAnswer(f"{self.vendor} has no call for one of its {kind.value.lower()}.")
        response = await self._transport.send(request, region, context)
        if response.payload is None:
            raise NothingReturned(f"{request.operation}: the response is null.")
        with parse_guard(self.account, request.operation):
            observation = self._vendor.read_probe(kind, region, vendor_id, response)
        if observation.vendor_id != vendor_id or observation.kind is not kind:
            raise MalformedAnswer(
                f"{request.operation}: the response describes another resource than the requested one."
            )
        return observation, _trace(request, response, 1)


def _trace(request: VendorRequest, response: VendorResponse, page: int) -> CallTrace:
    return CallTrace(request.operation, page, response.status, round(response.seconds, 6), response.request_id)
