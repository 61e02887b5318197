"""What a whole proof must have tried: each fault, each outcome, each pair of flights that overlap, by which ends first."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from domain.enums import FreshnessState
from tests.simulation.faults import REASONS, Listing, Probing

_FLIGHTS = ("sweep", "probe")
_ORDERS = ("older ends first", "newer ends first")


def expected() -> frozenset[tuple[str, str]]:
    """Each by its group and name, as it is counted."""
    return frozenset([*_faults(), *_outcomes(), *_overlaps()])


def _faults() -> Iterator[tuple[str, str]]:
    yield "fault switched", "all off"
    yield "fault switched", "over half neither listed nor found"
    yield "listing told", "without over half, as probes say too"
    yield "probe told", "gone, of over half, as listings lack them"
    for group, faults in (("listing", Listing), ("probe", Probing)):
        yield f"{group} told", "honest"
        for fault in faults:
            yield "fault switched", f"{group} {fault}"
            if fault not in (Listing.FLAPPING, Probing.FLAPPING):
                yield f"{group} told", str(fault)


def _outcomes() -> Iterator[tuple[str, str]]:
    yield from (("outcome", name) for name in ("sweep COMPLETE", "sweep PARTIAL PARTIAL_SWEEP", "sweep TIMED OUT"))
    yield from (("outcome", name) for name in ("probe found", "probe gone", "probe timed out", "the operator's word"))
    for reason in REASONS.values():
        yield "outcome", f"sweep FAILED {reason}"
        yield "outcome", f"probe failed {reason}"
    yield from (("told", state) for state in ("DELETED", *FreshnessState))


def _overlaps() -> Iterator[tuple[str, str]]:
    places = ("same scope", "same account")
    for older, newer, place, order in product(_FLIGHTS, _FLIGHTS, places, _ORDERS):
        yield "overlap", f"{older}, then {newer}, {place}, {order}"
    yield from (("overlap", f"probe, then probe, same resource, {order}") for order in _ORDERS)
