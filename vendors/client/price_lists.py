"""Prices that a listing lacks, joined from the vendor's price list: read at most hourly, after the listing, and never in its way.

A price list that cannot be read changes nothing: a known one serves on, with its own time, and without one the recorded price
stays. Its time moves when a price changes, and once a day besides: each hour anew, it would be all that the history tells.
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
from vendors.client.call_context import URGENCY, Tally, Urgency
from vendors.client.parse_guard import parse_guard

KEPT: Final = timedelta(hours=1)
"""How long a price list serves."""
HELD: Final = timedelta(minutes=5)
"""How long one that failed is not asked for again."""
_RETOLD: Final = timedelta(days=1)
_PATIENCE_SECONDS: Final = 3.0
"""How long a sweep waits for it at most; never more than half of what is left of its flight."""
_SHORTEST_SECONDS: Final = 0.05

_log = structlog.get_logger(__name__)

Fetch = Callable[[PriceList, str | None, Tally], Awaitable[Mapping[str, Quote]]]
"""Reads all pages of a price list. Raises VendorFailure."""


@dataclass(slots=True)
class CachedPriceList:
    """One price list, as last read."""

    quotes: Mapping[str, Quote] | None = None
    read_at: datetime | None = None
    failed_at: datetime | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def due(self, now: datetime) -> bool:
        """Return whether the list should be fetched again."""
        return not (_within(self.read_at, now, KEPT) or _within(self.failed_at, now, HELD))


class PriceLists:
    """One account's price lists."""

    def __init__(self, account: str, clock: Clock, fetch: Fetch) -> None:
        self._account = account
        self._clock = clock
        self._fetch = fetch
        self._shelves: dict[tuple[object, ...], CachedPriceList] = {}
        self._told_at: dict[tuple[str | None, Quote], datetime] = {}

    async def refreshed(
        self, catalogue: PriceList | None, region: str | None, told: tuple[Observation, ...], tally: Tally
    ) -> tuple[Observation, ...]:
        """What a sweep told, with the prices that it lacks; the price list is read anew where that is due and needed."""
        if catalogue is None or not any(map(_lacking, told)):
            return told
        shelf = self._shelf(catalogue, region)
        if shelf.due(self._clock.now()):
            await self._refresh(shelf, catalogue, region, tally)
        return tuple(self._joined(one, catalogue, shelf) for one in told)

    def known(self, catalogue: PriceList | None, region: str | None, told: Observation) -> Observation:
        """What a probe told, with the price that it lacks, from what is known of the price list: a probe is one call."""
        return told if catalogue is None else self._joined(told, catalogue, self._shelf(catalogue, region))

    def _shelf(self, catalogue: PriceList, region: str | None) -> CachedPriceList:
        first = catalogue.request(None)
        return self._shelves.setdefault((region, first.method, first.path, first.query, first.form), CachedPriceList())

    async def _refresh(self, shelf: CachedPriceList, catalogue: PriceList, region: str | None, tally: Tally) -> None:
        seconds = _PATIENCE_SECONDS
        if tally.ends_at is not None:
            seconds = min(seconds, (tally.ends_at - asyncio.get_running_loop().time()) / 2)
        if seconds < _SHORTEST_SECONDS:
            return
        # Whoever waits, waits for the listing.
        urgency = URGENCY.set(Urgency(background=True))
        try:
            async with asyncio.timeout(seconds), shelf.turn:
                if shelf.due(self._clock.now()):
                    await self._read(shelf, catalogue, region, tally)
        except (VendorFailure, TimeoutError) as failure:
            shelf.failed_at = self._clock.now()
            detail = failure.detail if isinstance(failure, VendorFailure) else "no whole answer in time"
            _log.warning("price_list_unavailable", account=self._account, detail=detail)
        finally:
            URGENCY.reset(urgency)

    async def _read(self, shelf: CachedPriceList, catalogue: PriceList, region: str | None, tally: Tally) -> None:
        asked_at = self._clock.now()
        shelf.quotes = await self._fetch(catalogue, region, tally)
        shelf.read_at, shelf.failed_at = asked_at, None
        self._told_at = {key: at for key, at in self._told_at.items() if _within(at, asked_at, 2 * _RETOLD)}

    def _joined(self, told: Observation, catalogue: PriceList, shelf: CachedPriceList) -> Observation:
        try:
            with parse_guard(self._account, "catalogue"):
                return self._join(told, catalogue, shelf) if _lacking(told) else told
        except MalformedAnswer:
            return told

    def _join(self, told: Observation, catalogue: PriceList, shelf: CachedPriceList) -> Observation:
        if shelf.quotes is None or shelf.read_at is None:
            # Nobody knows: what is recorded stays, while it can still be true.
            priced = replace(told, price=NOT_REPORTED) if _priceless(told) and catalogue.charged(told) else told
            return replace(priced, partial_spec=catalogue.tells_hardware)
        quote = catalogue.quote(told, shelf.quotes)
        if quote is None:
            return told
        terms = told.terms
        if isinstance(terms, Terms) and terms.running_rate is None:
            terms = replace(terms, running_rate=quote.hourly, currency=quote.currency)
        price = told.price
        if _priceless(told) and catalogue.charged(told):
            sku = terms.sku if isinstance(terms, Terms) else None
            price = Price(quote.hourly, quote.currency, PriceSource.CATALOGUE, self._as_of(sku, quote, shelf.read_at))
        return replace(told, price=price, terms=terms, spec=_made_of(told.spec, quote.hardware))

    def _as_of(self, sku: str | None, quote: Quote, read_at: datetime) -> datetime:
        known = self._told_at.get((sku, quote))
        if _within(known, read_at, _RETOLD):
            return known or read_at
        self._told_at[sku, quote] = read_at
        return read_at


def _made_of(spec: Spec | NotReported, hardware: Hardware | None) -> Spec | NotReported:
    """The spec with what it leaves open."""
    if hardware is None or not isinstance(spec, Spec):
        return spec
    known = {each.name: getattr(hardware, each.name) for each in fields(hardware)}
    return replace(spec, **{name: value for name, value in known.items() if getattr(spec, name) is None})


def _priceless(told: Observation) -> bool:
    return isinstance(told.price, Price) and told.price.amount is None


def _lacking(told: Observation) -> bool:
    rateless = isinstance(told.terms, Terms) and told.terms.running_rate is None
    return told.status is not ResourceStatus.DELETED and (rateless or _priceless(told))


def _within(then: datetime | None, now: datetime, span: timedelta) -> bool:
    """Whether it was less than so long ago. An instant in the future, by a clock that was set back, was not."""
    return then is not None and timedelta(0) <= now - then < span
