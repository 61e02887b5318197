"""What SQL cannot finish: the ingredients that a statement leaves in its text, and what becomes of them.

Every finisher stands for one place in the decoded text. A place without one is final as SQL wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from db.reading.explained import Own, budget_object, calls_object, explanation_object
from db.reading.facts import Facts, ScopeRow
from db.reading.shape import Shape, Value
from domain.breaker import breaker_state
from domain.freshness import Judgement, ScopeFacts, Sighting
from domain.instants import from_text, optional_instant, optional_text
from domain.running import NOT_RUNNING, Running
from domain.words import ObservationSource, StaleReason

SIGHTED: Final = "@"
"""The mark under which an object carries its sighting: no response key begins so."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A scope that may hold a match and was not listed completely within the demand."""

    scope: ScopeFacts
    reason: StaleReason


@dataclass(frozen=True, slots=True)
class Coverage:
    """Whether a list is current. `swept_at` is the oldest last complete listing, null where one was never listed."""

    swept_at: datetime | None
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """A resource in the answer whose age matters. `live`, `links`: whether its live fields, or its links, were selected."""

    sighting: Sighting
    live: bool
    links: bool


class Judging(Protocol):
    """What is said of ages; the statement's own work ends where it begins."""

    def resource(self, sighting: Sighting) -> Judgement:
        """The judgement of one resource."""
        ...

    def coverage(self) -> Coverage:
        """The judgement of the list."""
        ...


@dataclass(frozen=True, slots=True)
class Finishing:
    """What the finishers share. `around` is the judgement of the resource that surrounds the place, `sighting` what it judged."""

    values: Mapping[str, Value]
    facts: Facts
    now: datetime
    judging: Judging
    running: Running = NOT_RUNNING
    around: Judgement | None = None
    sighting: Sighting | None = None

    def within(self, sighting: Sighting) -> Finishing:
        """The same inside of this resource."""
        return replace(self, around=self.judging.resource(sighting), sighting=sighting)

    def past(self, instant: datetime | None) -> str | None:
        """The instant's text; null where it is in the future, which tells no age."""
        return optional_text(instant) if instant is not None and instant <= self.now else None


class Finisher:
    """A place whose value is final. The base of the others."""

    def seen(self, value: Any, values: Mapping[str, Value]) -> Iterator[Seen]:
        """The resources at and below the place whose age matters."""
        return iter(())

    def finish(self, value: Any, finishing: Finishing) -> Any:
        """The final value. May change the decoded one in place; called once for each."""
        return value


class LastSynced(Finisher):
    """`lastSyncedAt`: the same instant as `freshness.observedAt`."""

    def finish(self, value: Any, finishing: Finishing) -> Any:
        """The instant's text."""
        return None if finishing.around is None else optional_text(finishing.around.observed_at)


class PricedAsOf(LastSynced):
    """`pricingAsOf`: true stands for a price that the vendor told itself, which is as old as the sighting."""

    def finish(self, value: Any, finishing: Finishing) -> Any:
        """The instant's text, null kept."""
        return super().finish(value, finishing) if value is True else value


@dataclass(frozen=True, slots=True)
class FreshnessOf(Finisher):
    """`freshness`, from the judgement around it."""

    shape: Shape

    def finish(self, value: Any, finishing: Finishing) -> Any:
        """The object."""
        around = finishing.around
        if around is None:
            return None
        told = {
            "state": around.state.value,
            "observedAt": optional_text(around.observed_at),
            "ageSeconds": around.age_seconds,
            "source": None if around.source is None else around.source.value,
            "reason": None if around.reason is None else around.reason.value,
            "missingSince": optional_text(around.missing_since),
        }
        return {
            child.key: _explanation(child, value, finishing) if child.name == "explain" else told[child.name]
            for child in self.shape.fields
        }


def _explanation(shape: Shape, ingredient: Sequence[str | None], finishing: Finishing) -> dict[str, Any] | None:
    if finishing.sighting is None:
        return None
    vendor_id, told, tries = ingredient
    scope = finishing.facts.scopes[finishing.sighting.scope_id]
    vendor = finishing.facts.by_name[scope.facts.key.account].vendor
    own = Own(finishing.sighting, str(vendor_id), told, tries)
    return explanation_object(shape, own, scope, vendor, finishing.now)


@dataclass(frozen=True, slots=True)
class Record(Finisher):
    """An object. `sighted`: it carries a sighting, which is judged for what is below."""

    children: tuple[tuple[str, Finisher], ...]
    sighted: bool = False
    live: bool = False
    links: bool = False

    def seen(self, value: Any, values: Mapping[str, Value]) -> Iterator[Seen]:
        """Itself, if sighted, and those below."""
        if value is None:
            return
        if self.sighted:
            yield Seen(sighting_of(value[SIGHTED]), self.live, self.links)
        for key, child in self.children:
            yield from child.seen(value[key], values)

    def finish(self, value: Any, finishing: Finishing) -> Any:
        """The object without its mark."""
        if value is None:
            return None
        if self.sighted:
            finishing = finishing.within(sighting_of(value.pop(SIGHTED)))
        for key, child in self.children:
            value[key] = child.finish(value[key], finishing)
        return value


@dataclass(frozen=True, slots=True)
class Many(Finisher):
    """A list of places of one kind."""

    item: Finisher

    def seen(self, value: Any, values: Mapping[str, Value]) -> Iterator[Seen]:
        """Those of every item."""
        for each in value:
            yield from self.item.seen(each, values)

    def finish(self, value: Any, finishing: Finishing) -> Any:
        """The list of finished items."""
        return [self.item.finish(each, finishing) for each in value]


@dataclass(frozen=True, slots=True)
class AccountOf(Finisher):
    """An account, given by its number."""

    shape: Shape

    def finish(self, value: Any, finishing: Finishing) -> Any:
        """The object."""
        return account_object(self.shape, int(value), finishing)


def account_object(shape: Shape, account_id: int, finishing: Finishing) -> dict[str, Any]:
    """An account as selected. What tells how the gateway is run is asked for by operators alone."""
    account, running = finishing.facts.by_id[account_id], finishing.running
    told: Mapping[str, Callable[[Shape], Any]] = {
        "name": lambda _: account.name,
        "vendor": lambda _: account.vendor,
        "state": lambda _: account.state().value,
        "lastError": lambda _: account.last_error(),
        "budget": lambda child: budget_object(child, running.budget(account.name)),
        "calls": lambda child: calls_object(child, running.calls(account.name)),
        "scopes": lambda child: [scope_object(child, row, finishing) for row in account.scopes],
    }
    return {child.key: told[child.name](child) for child in shape.fields}


def scope_object(shape: Shape, row: ScopeRow, finishing: Finishing) -> dict[str, Any]:
    """A scope as selected."""
    facts = row.facts
    held_back = facts.hold_until is not None and facts.hold_until > finishing.now
    told = {
        "kind": facts.key.kind.value,
        "region": facts.key.region,
        "sweptAt": finishing.past(facts.swept_at),
        "resourceCount": row.count,
        "state": row.state.value if facts.configured else "REMOVED",
        "reason": None if facts.problem is None else facts.problem.value,
        "nextAllowedAt": optional_text(facts.hold_until) if held_back else None,
        "marks": row.marks,
        "breaker": breaker_state(row.failures, facts.hold_until, finishing.now).value,
    }
    return {child.key: told[child.name] for child in shape.fields}


def coverage_object(shape: Shape, finishing: Finishing) -> dict[str, Any]:
    """The coverage of a list as selected."""
    coverage = finishing.judging.coverage()
    told: Mapping[str, Callable[[Shape], Any]] = {
        "complete": lambda _: not coverage.gaps,
        "sweptAt": lambda _: optional_text(coverage.swept_at),
        "gaps": lambda child: [_gap_object(child, gap, finishing) for gap in coverage.gaps],
    }
    return {child.key: told[child.name](child) for child in shape.fields}


def _gap_object(shape: Shape, gap: Gap, finishing: Finishing) -> dict[str, Any]:
    key = gap.scope.key
    account_id = finishing.facts.by_name[key.account].account_id
    told: Mapping[str, Callable[[Shape], Any]] = {
        "account": lambda child: account_object(child, account_id, finishing),
        "kind": lambda _: key.kind.value,
        "region": lambda _: key.region,
        "sweptAt": lambda _: finishing.past(gap.scope.swept_at),
        "reason": lambda _: gap.reason.value,
    }
    return {child.key: told[child.name](child) for child in shape.fields}


def sighting_of(ingredient: Sequence[Any]) -> Sighting:
    """The sighting that `sighting.parts` wrote."""
    resource_id, scope_id, seen_no, seen_at, source, missing_since, deleted, probed_at, probe_problem = ingredient
    return Sighting(
        resource_id=UUID(resource_id),
        scope_id=scope_id,
        seen_no=seen_no,
        seen_at=from_text(seen_at),
        source=ObservationSource(source),
        missing_since=optional_instant(missing_since),
        deleted=deleted,
        probed_at=optional_instant(probed_at),
        probe_problem=None if probe_problem is None else StaleReason(probe_problem),
    )


FINAL: Final = Finisher()
"""For places that need nothing."""
