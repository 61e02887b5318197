"""What SQL cannot print: the holes that a statement leaves in its text, and what fills them.

Every finisher stands for one hole and makes what is told there of the ingredient that SQL left in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from db.query import cursors
from db.query.account_state import ScopeRow, VisibleAccounts
from db.query.annotated_text import sighting_of
from db.query.explanation import Own, budget_object, calls_object, explanation_object
from db.query.shape import Shape
from domain.enums import StaleReason
from domain.freshness import Assessment, ScopeFacts, Sighting
from domain.health import breaker_state
from domain.runtime_stats import NO_RUNTIME_STATS, RuntimeStats
from domain.timestamps import optional_text


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


class Judging(Protocol):
    """What is said of ages; the statement's own work ends where it begins."""

    def judged(self, mark: bytes) -> Assessment:
        """The judgement of one resource, given by its sighting's mark."""
        ...

    def coverage(self) -> Coverage:
        """The judgement of the list."""
        ...


@dataclass(frozen=True, slots=True)
class RenderContext:
    """What the finishers share. `around` is the judgement of the resource that surrounds the hole, `sighting` what it judged."""

    facts: VisibleAccounts
    now: datetime
    judging: Judging
    running: RuntimeStats = NO_RUNTIME_STATS
    around: Assessment | None = None
    sighting: Sighting | None = None

    def within(self, mark: bytes) -> RenderContext:
        """The same inside of the resource of this mark."""
        return replace(self, around=self.judging.judged(mark), sighting=sighting_of(mark))

    def past(self, instant: datetime | None) -> str | None:
        """The instant's text; null where it is in the future, which tells no age."""
        return optional_text(instant) if instant is not None and instant <= self.now else None


class PlaceholderFiller:
    """Fills one hole."""

    def finish(self, value: Any, finishing: RenderContext) -> Any:
        """What is told, JSON-able. `value` is the decoded ingredient; None where there is none."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class LastSynced(PlaceholderFiller):
    """`lastSyncedAt`: the same instant as `freshness.observedAt`."""

    def finish(self, value: Any, finishing: RenderContext) -> Any:
        """The instant's text."""
        return None if finishing.around is None else optional_text(finishing.around.observed_at)


@dataclass(frozen=True, slots=True)
class PricedAsOf(PlaceholderFiller):
    """`pricingAsOf`: true stands for a price that the vendor told itself, which is as old as the sighting."""

    def finish(self, value: Any, finishing: RenderContext) -> Any:
        """The instant's text, null kept."""
        return LastSynced().finish(None, finishing) if value is True else value


@dataclass(frozen=True, slots=True)
class FreshnessOf(PlaceholderFiller):
    """`freshness`, from the judgement around it."""

    shape: Shape

    def finish(self, value: Any, finishing: RenderContext) -> Any:
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
        return self.shape.shown(
            lambda child: _explanation(child, value, finishing) if child.name == "explain" else told[child.name]
        )


def _explanation(shape: Shape, ingredient: Sequence[str | None], finishing: RenderContext) -> dict[str, Any] | None:
    if finishing.sighting is None:
        return None
    vendor_id, told, tries = ingredient
    scope = finishing.facts.scopes[finishing.sighting.scope_id]
    vendor = finishing.facts.by_name[scope.facts.key.account].vendor
    own = Own(finishing.sighting, str(vendor_id), told, tries)
    return explanation_object(shape, own, scope, vendor, finishing.now)


@dataclass(frozen=True, slots=True)
class AccountOf(PlaceholderFiller):
    """An account, given by its number."""

    shape: Shape

    def finish(self, value: Any, finishing: RenderContext) -> Any:
        """The object."""
        return account_object(self.shape, int(value), finishing)


@dataclass(frozen=True, slots=True)
class AccountsOf(PlaceholderFiller):
    """Every account that the viewer sees."""

    shape: Shape

    def finish(self, value: Any, finishing: RenderContext) -> Any:
        """The list."""
        return [account_object(self.shape, account.account_id, finishing) for account in finishing.facts.accounts]


@dataclass(frozen=True, slots=True)
class CoverageOf(PlaceholderFiller):
    """The coverage of a list."""

    shape: Shape

    def finish(self, value: Any, finishing: RenderContext) -> Any:
        """The object."""
        return coverage_object(self.shape, finishing)


@dataclass(frozen=True, slots=True)
class CursorOf(PlaceholderFiller):
    """A cursor, given by its place in an order: one value, or several in a list."""

    order: str

    def finish(self, value: Any, finishing: RenderContext) -> Any:
        """The cursor's text."""
        return cursors.encode(self.order, *(value if isinstance(value, list) else [value]))


def account_object(shape: Shape, account_id: int, finishing: RenderContext) -> dict[str, Any]:
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
    return shape.shown(lambda child: told[child.name](child))


def scope_object(shape: Shape, row: ScopeRow, finishing: RenderContext) -> dict[str, Any]:
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
        "missingCount": row.missing_count,
        "breaker": breaker_state(row.failures, facts.hold_until, finishing.now).value,
    }
    return shape.shown(lambda child: told[child.name])


def coverage_object(shape: Shape, finishing: RenderContext) -> dict[str, Any]:
    """The coverage of a list as selected."""
    coverage = finishing.judging.coverage()
    told: Mapping[str, Callable[[Shape], Any]] = {
        "complete": lambda _: not coverage.gaps,
        "sweptAt": lambda _: optional_text(coverage.swept_at),
        "gaps": lambda child: [_gap_object(child, gap, finishing) for gap in coverage.gaps],
    }
    return shape.shown(lambda child: told[child.name](child))


def _gap_object(shape: Shape, gap: Gap, finishing: RenderContext) -> dict[str, Any]:
    key = gap.scope.key
    account_id = finishing.facts.by_name[key.account].account_id
    told: Mapping[str, Callable[[Shape], Any]] = {
        "account": lambda child: account_object(child, account_id, finishing),
        "kind": lambda _: key.kind.value,
        "region": lambda _: key.region,
        "sweptAt": lambda _: finishing.past(gap.scope.swept_at),
        "reason": lambda _: gap.reason.value,
    }
    return shape.shown(lambda child: told[child.name](child))
