"""One account at its vendor: runs the listings of a scope page by page, and probes. Nothing here raises for what a cloud did."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Final, Protocol, TypeVar

from domain.enums import ResourceKind, StaleReason
from domain.errors import MalformedAnswer, NotFoundByVendor, VendorFailure
from domain.records.observation import CallTrace, Observation, ProbeResult, SweepOutcome, SweepResult
from domain.timestamps import Clock
from vendors.base import Listing, Page, PriceList, Quote, Vendor, VendorRequest, VendorResponse
from vendors.client.call_context import Tally, tally_of_flight
from vendors.client.parse_guard import parse_guard
from vendors.client.price_lists import PriceLists
from vendors.client.rate_limits import Remaining
from vendors.client.transport import Transport

PAGE_LIMIT: Final = 1000
_ANY_ID: Final = "any"


class PagesDoNotEnd(VendorFailure):
    """A repeated cursor, or more pages than allowed."""

    reason = StaleReason.PARTIAL_SWEEP


class ListingMoved(VendorFailure):
    """What came is not what the vendor itself says that the listing holds: it changed while it was read, or was cut."""

    reason = StaleReason.PARTIAL_SWEEP


class _Page(Protocol):
    """What a pager must know of a page."""

    @property
    def cursor(self) -> str | None:
        """What asks for the next page."""
        ...


_P_co = TypeVar("_P_co", bound=_Page, covariant=True)


class _Paged(Protocol[_P_co]):
    """A listing or a price list."""

    def request(self, cursor: str | None) -> VendorRequest:
        """The call for a page."""
        ...

    def read(self, answer: VendorResponse) -> _P_co:
        """What it told."""
        ...


class _Count:
    """What one listing's pages tell of its size, beside the different ids that came."""

    def __init__(self) -> None:
        self._totals: set[int] = set()
        self._ids: set[str] = set()

    def add(self, page: Page) -> None:
        if page.total is not None:
            self._totals.add(page.total)
        self._ids.update(observation.vendor_id for observation in page.observations)

    def check(self, operation: str) -> None:
        """Raises ListingMoved where the listing cannot be whole."""
        if self._totals and self._totals != {len(self._ids)}:
            told = " and ".join(str(total) for total in sorted(self._totals)[:2])
            raise ListingMoved(f"{operation}: it holds {told} by its own word, and {len(self._ids)} came.")


class SweepAccumulator:
    """What a sweep has brought in so far. The same vendor id told twice: the last one wins."""

    def __init__(self) -> None:
        self.tally = tally_of_flight()
        self._trace: list[CallTrace] = []
        self._dropped = 0
        self._seen: dict[str, Observation] = {}

    def add(self, page: Page, call: CallTrace) -> None:
        """Add one page and the call that returned it."""
        place = len(self._trace)
        self._trace.append(call)
        self._dropped += page.dropped
        for observation in page.observations:
            self._seen[observation.vendor_id] = replace(observation, call=place)

    def result(self, failure: VendorFailure | None = None) -> SweepResult:
        """Return the sweep so far; with a failure it is partial, or failed if no page was read."""
        outcome = SweepOutcome.PARTIAL if self._trace else SweepOutcome.FAILED
        return SweepResult(
            SweepOutcome.COMPLETE if failure is None else outcome,
            tuple(self._seen.values()),
            None if failure is None else failure.problem(),
            self.tally.calls,
            self._dropped,
            tuple(self._trace),
        )


class VendorCloud:
    """`domain.ports.CloudClient` over a vendor's file and a transport."""

    def __init__(
        self, account: str, vendor: Vendor, transport: Transport, *, clock: Clock, page_limit: int = PAGE_LIMIT
    ) -> None:
        self.account = account
        self.vendor: str = vendor.name
        self.links_owner: ResourceKind = vendor.links_owner
        self._vendor = vendor
        self._transport = transport
        self._page_limit = page_limit
        self._catalogues = PriceLists(account, clock, self._quotes)

    @property
    def scopes(self) -> tuple[tuple[ResourceKind, str | None], ...]:
        """Every scope that this account has by its configuration."""
        return tuple((kind, region) for kind in ResourceKind for region in self._vendor.regions(kind))

    def sweep_calls(self, kind: ResourceKind) -> int:
        """How many calls a sweep of a small scope costs at least."""
        return len(self._vendor.listings(kind, self._vendor.regions(kind)[0]))

    def probes(self, kind: ResourceKind) -> bool:
        """Whether one resource of the kind can be asked for, with known words for "no such thing"."""
        return self._vendor.probe_request(kind, self._vendor.regions(kind)[0], _ANY_ID) is not None

    def fingerprint(self, salt: str) -> str:
        """A salted hash of the credentials: tells whether they are the same, and nothing else."""
        text = self._vendor.credential_text()
        return hmac.new(salt.encode(), text.encode(), hashlib.sha256).hexdigest()

    def remaining(self) -> Remaining:
        """What is left of the budget, in the region where least is."""
        regions = {region for kind in ResourceKind for region in self._vendor.regions(kind)}
        told = [self._transport.budget(region).remaining() for region in regions]
        return min(told, key=lambda one: float("inf") if one.calls is None else one.calls)

    async def sweep(self, kind: ResourceKind, region: str | None) -> SweepResult:
        """List a scope, all its pages. All its listings must end for it to be complete. Safe to repeat and to cancel."""
        haul = SweepAccumulator()
        try:
            for listing in self._vendor.listings(kind, region):
                await self._list(listing, region, haul)
        except NotFoundByVendor as failure:
            # A list that does not exist is no evidence of anything: a wrong endpoint says so too.
            return haul.result(MalformedAnswer(failure.detail))
        except VendorFailure as failure:
            return await self._priced(haul.result(failure), kind, region, haul)
        return await self._priced(haul.result(), kind, region, haul)

    async def _priced(
        self, result: SweepResult, kind: ResourceKind, region: str | None, haul: SweepAccumulator
    ) -> SweepResult:
        """The sweep with the prices that its listing lacks."""
        catalogue = self._vendor.catalogue(kind, region)
        told = await self._catalogues.refreshed(catalogue, region, result.observations, haul.tally)
        return replace(result, observations=told, calls=haul.tally.calls)

    async def probe(self, kind: ResourceKind, region: str | None, vendor_id: str) -> ProbeResult:
        """Ask for one resource by its id. Safe to repeat and to cancel."""
        tally = tally_of_flight()
        try:
            observation, call = await self._ask(kind, region, vendor_id, tally)
        except NotFoundByVendor:
            return ProbeResult("gone", calls=tally.calls)
        except VendorFailure as failure:
            return ProbeResult("failed", problem=failure.problem(), calls=tally.calls)
        priced = self._catalogues.known(self._vendor.catalogue(kind, region), region, observation)
        return ProbeResult("found", replace(priced, call=0), calls=tally.calls, trace=(call,))

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def _list(self, listing: Listing, region: str | None, haul: SweepAccumulator) -> None:
        count = _Count()
        async for number, request, answer, page in self._pages(listing, region, haul.tally):
            haul.add(page, _trace(request, answer, number))
            count.add(page)
            if page.cursor is None:
                count.check(request.operation)

    async def _quotes(self, catalogue: PriceList, region: str | None, tally: Tally) -> Mapping[str, Quote]:
        """All pages of a price list. Raises VendorFailure."""
        quotes: dict[str, Quote] = {}
        async for _, _, _, page in self._pages(catalogue, region, tally):
            quotes.update(page.quotes)
        return quotes

    async def _pages(
        self, source: _Paged[_P_co], region: str | None, tally: Tally
    ) -> AsyncIterator[tuple[int, VendorRequest, VendorResponse, _P_co]]:
        """Every page with its number, from 1, and its call. Raises VendorFailure; PagesDoNotEnd after what came was given."""
        cursors: set[str] = set()
        cursor: str | None = None
        for number in range(1, self._page_limit + 1):
            with parse_guard(self.account, "list"):
                request = source.request(cursor)
            answer = replace(await self._transport.send(request, region, tally), cursor=cursor)
            with parse_guard(self.account, request.operation):
                page = source.read(answer)
                cursor = page.cursor
                repeated = cursor in cursors
            yield number, request, answer, page
            if cursor is None:
                return
            if repeated:
                raise PagesDoNotEnd(f"{request.operation}: the same page is offered again and again.")
            cursors.add(cursor)
        raise PagesDoNotEnd(f"{request.operation}: more than {self._page_limit} pages.")

    async def _ask(
        self, kind: ResourceKind, region: str | None, vendor_id: str, tally: Tally
    ) -> tuple[Observation, CallTrace]:
        with parse_guard(self.account, "probe"):
            request = self._vendor.probe_request(kind, region, vendor_id)
        if request is None:
            raise MalformedAnswer(f"{self.vendor} cannot be asked for one of its {kind.value.lower()}.")
        answer = await self._transport.send(request, region, tally)
        with parse_guard(self.account, request.operation):
            observation = self._vendor.read_probe(kind, region, vendor_id, answer)
        if observation.vendor_id != vendor_id or observation.kind is not kind:
            raise MalformedAnswer(f"{request.operation}: told of another resource than the one asked for.")
        return observation, _trace(request, answer, 1)


def _trace(request: VendorRequest, answer: VendorResponse, page: int) -> CallTrace:
    return CallTrace(request.operation, page, answer.status, round(answer.seconds, 6), answer.request_id)
