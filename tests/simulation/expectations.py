"""The events that a full run must contain: each fault, each outcome, and each overlap of two flights by which ends first."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from domain.enums import FreshnessState
from tests.simulation.cloud.faults import REASONS, ListingFault, ProbeFault

_FLIGHTS = ("sweep", "probe")
_ORDERS = ("older ends first", "newer ends first")


def expected_events() -> frozenset[tuple[str, str]]:
    """Return the group and name of each expected event, as it is counted."""
    return frozenset([*_faults(), *_outcomes(), *_overlaps()])


def _faults() -> Iterator[tuple[str, str]]:
    yield "fault switched", "all off"
    yield "fault switched", "over half neither listed nor probed"
    yield "listing", "without over half, like the probes"
    yield "probe", "gone, of over half, like the listings"
    yield "between processes", "one-shot sync"
    yield "between processes", "clock set"
    for group, faults in (("listing", ListingFault), ("probe", ProbeFault)):
        yield group, "honest"
        for fault in faults:
            yield "fault switched", f"{group} {fault}"
            if fault not in (ListingFault.FLAPPING, ProbeFault.FLAPPING):
                yield group, str(fault)


def _outcomes() -> Iterator[tuple[str, str]]:
    yield from (("outcome", name) for name in ("sweep COMPLETE", "sweep PARTIAL PARTIAL_SWEEP", "sweep TIMED OUT"))
    yield from (
        ("outcome", name)
        for name in ("probe found", "probe gone", "probe empty", "probe timed out", "operator confirmation")
    )
    for reason in REASONS.values():
        yield "outcome", f"sweep FAILED {reason}"
        yield "outcome", f"probe failed {reason}"
    yield from (("answer", state) for state in ("DELETED", *FreshnessState))


def _overlaps() -> Iterator[tuple[str, str]]:
    places = ("same scope", "same account")
    for older, newer, place, order in product(_FLIGHTS, _FLIGHTS, places, _ORDERS):
        yield "overlap", f"{older}, then {newer}, {place}, {order}"
    yield from (("overlap", f"probe, then probe, same resource, {order}") for order in _ORDERS)
