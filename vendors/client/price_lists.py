"""Adds prices that a listing lacks from the vendor's price list, which is fetched at most once an hour, after the listing.

A price list that cannot be fetched fails no sweep: a cached list stays in use, with its own time, and without a cached
list the recorded price stays. `as_of` of a price moves when the price changes, and once a day otherwise; if it moved at
every fetch, the history would consist of nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from domain.enums import PriceSource, ResourceStatus
from domain.errors import MalformedAnswer, VendorFailure
from domain.records.observation import NOT_REPORTED, NotReported, Observation, Price, Spec, Terms
from domain.timestamps import Clock
from vendors.base import Hardware, PriceList, Quote
from vendors.client.call_context import CallContext
from vendors.client.parse_guard import parse_guard

MAX_AGE: Final = timedelta(hours=1)
"""How long a price list is used before it is fetched again."""
RETRY_DELAY: Final = timedelta(minutes=5)
"""How long a price list that failed is not fetched again."""
_AS_OF_INTERVAL: Final = timedelta(days=1)
_MAX_WAIT_SECONDS: Final = 3.0
"""How long a sweep waits for a price list; never more than half of the time left to its flight."""
_MIN_WAIT_SECONDS: Final = 0.05

_log = structlog.get_logger(__name__)

Fetch = Callable[[PriceList, str | None, CallContext], Awaitable[Mapping[str, Quote]]]
"""Fetches all pages of a price list. Raises VendorFailure."""


@dataclass(slots=True)
class CachedPriceList:
    """One price list, as last fetched."""

    quotes: Mapping[str, Quote] | None = None
    read_at: datetime | None = None
    failed_at: datetime | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def is_due(self, now: datetime) -> bool:
        """Return whether the list should be fetched again."""
        return not (_is_within(self.read_at, now, MAX_AGE) or _is_within(self.failed_at, now, RETRY_DELAY))


class PriceLists:
    """The price lists of one account."""

    def __init__(self, account: str, clock: Clock, fetch: Fetch) -> None:
        self._account = account
        self._clock = clock
        self._fetch = fetch
        self._cache: dict[tuple[object, ...], CachedPriceList] = {}
        self._as_of: dict[tuple[str | None, Quote], datetime] = {}

    async def add_prices(
        self,
        price_list: PriceList | None,
        region: str | None,
        observations: tuple[Observation, ...],
        context: CallContext,
    ) -> tuple[Observation, ...]:
        """Return a sweep's observations with missing prices added. Fetch the price list if that is due and needed."""
        if price_list is None or not any(map(_lacks_price, observations)):
            return observations
        cached = self._cached(price_list, region)
        if cached.is_due(self._clock.now()):
            await self._refresh(cached, price_list, region, context)
        return tuple(self._add_price(observation, price_list, cached) for observation in observations)

    def add_cached_price(
        self, price_list: PriceList | None, region: str | None, observation: Observation
    ) -> Observation:
        """Return a probe's observation with a missing price added. A probe is one call, so only a cached list is used."""
        if price_list is None:
            return observation
        return self._add_price(observation, price_list, self._cached(price_list, region))

    def _cached(self, price_list: PriceList, region: str | None) -> CachedPriceList:
        first = price_list.request(None)
        return self._cache.setdefault((region, first.method, first.path, first.query, first.form), CachedPriceList())

    async def _refresh(
        self, cached: CachedPriceList, price_list: PriceList, region: str | None, context: CallContext
    ) -> None:
        seconds = _MAX_WAIT_SECONDS
        if context.ends_at is not None:
            seconds = min(seconds, (context.ends_at - asyncio.get_running_loop().time()) / 2)
        if seconds < _MIN_WAIT_SECONDS:
            return
        # Readers wait for the listing, not for its prices.
        own_context = CallContext(background=True)
        try:
            async with asyncio.timeout(seconds), cached.lock:
                if cached.is_due(self._clock.now()):
                    await self._update(cached, price_list, region, own_context)
        except (VendorFailure, TimeoutError) as failure:
            cached.failed_at = self._clock.now()
            detail = failure.detail if isinstance(failure, VendorFailure) else "no complete response in time"
            _log.warning("price_list_unavailable", account=self._account, detail=detail)
        finally:
            context.calls += own_context.calls

    async def _update(
        self, cached: CachedPriceList, price_list: PriceList, region: str | None, context: CallContext
    ) -> None:
        sent_at = self._clock.now()
        cached.quotes = await self._fetch(price_list, region, context)
        cached.read_at, cached.failed_at = sent_at, None
        self._as_of = {key: at for key, at in self._as_of.items() if _is_within(at, sent_at, 2 * _AS_OF_INTERVAL)}

    def _add_price(self, observation: Observation, price_list: PriceList, cached: CachedPriceList) -> Observation:
        try:
            with parse_guard(self._account, "price_list"):
                return self._join(observation, price_list, cached) if _lacks_price(observation) else observation
        except MalformedAnswer:
            return observation

    def _join(self, observation: Observation, price_list: PriceList, cached: CachedPriceList) -> Observation:
        if cached.quotes is None or cached.read_at is None:
            # No price is known: the recorded one stays as long as it may still be true.
            may_have_price = _has_no_amount(observation) and price_list.is_charged(observation)
            priced = replace(observation, price=NOT_REPORTED) if may_have_price else observation
            return replace(priced, partial_spec=price_list.has_hardware)
        quote = price_list.quote(observation, cached.quotes)
        if quote is None:
            return observation
        terms = observation.terms
        if isinstance(terms, Terms) and terms.running_rate is None:
            terms = replace(terms, running_rate=quote.hourly, currency=quote.currency)
        price = observation.price
        if _has_no_amount(observation) and price_list.is_charged(observation):
            sku = terms.sku if isinstance(terms, Terms) else None
            as_of = self._as_of_quote(sku, quote, cached.read_at)
            price = Price(quote.hourly, quote.currency, PriceSource.CATALOGUE, as_of)
        return replace(observation, price=price, terms=terms, spec=_fill_spec(observation.spec, quote.hardware))

    def _as_of_quote(self, sku: str | None, quote: Quote, read_at: datetime) -> datetime:
        as_of = self._as_of.get((sku, quote))
        if _is_within(as_of, read_at, _AS_OF_INTERVAL):
            return as_of or read_at
        self._as_of[sku, quote] = read_at
        return read_at


def _fill_spec(spec: Spec | NotReported, hardware: Hardware | None) -> Spec | NotReported:
    """Return the spec with its missing fields taken from the hardware."""
    if hardware is None or not isinstance(spec, Spec):
        return spec
    values = {field_.name: getattr(hardware, field_.name) for field_ in fields(hardware)}
    return replace(spec, **{name: value for name, value in values.items() if getattr(spec, name) is None})


def _has_no_amount(observation: Observation) -> bool:
    return isinstance(observation.price, Price) and observation.price.amount is None


def _lacks_price(observation: Observation) -> bool:
    has_no_rate = isinstance(observation.terms, Terms) and observation.terms.running_rate is None
    return observation.status is not ResourceStatus.DELETED and (has_no_rate or _has_no_amount(observation))


def _is_within(then: datetime | None, now: datetime, span: timedelta) -> bool:
    """Return whether an instant is less than `span` ago. An instant in the future, after a clock was set back, is not."""
    return then is not None and timedelta(0) <= now - then < span
