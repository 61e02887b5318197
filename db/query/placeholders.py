"""Renderers of placeholders: the values that SQL cannot print, such as ages, accounts, cursors and exact sums.

A statement leaves a placeholder in its text with a payload. A `PlaceholderRenderer` turns the payload into the field's value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from db.query import cursors
from db.query.account_state import AccountRow, ScopeRow, VisibleAccounts
from db.query.annotated_text import sighting_of
from db.query.explanation import RowTrace, budget_object, calls_object, explanation_object
from db.query.shape import Shape
from domain.enums import StaleReason
from domain.freshness import Assessment, ScopeFacts
from domain.health import breaker_state
from domain.runtime_stats import NO_RUNTIME_STATS, RuntimeStats
from domain.timestamps import optional_text


@dataclass(frozen=True, slots=True)
class Gap:
    """A scope that may hold a match but was not listed completely in time for the demand."""

    scope: ScopeFacts
    reason: StaleReason


@dataclass(frozen=True, slots=True)
class Coverage:
    """Whether a list is complete and current.

    `swept_at` is the earliest of the scopes' last complete listings; None if a scope was never listed or there is no scope.
    """

    swept_at: datetime | None
    gaps: tuple[Gap, ...]


class FreshnessJudge(Protocol):
    """Judges ages. The implementation is `resolvers.freshness.report.FreshnessReport`."""

    def assess(self, annotation: bytes) -> Assessment:
        """Return the assessment of the resource of a sighting."""
        ...

    def coverage(self) -> Coverage:
        """Return the coverage of the root field's list."""
        ...


@dataclass(slots=True)
class RenderContext:
    """The context of all renderers. `assessment` and `enclosing` belong to the resource that encloses the placeholder, if any.

    `enclosing` is its sighting, encoded. Not frozen, because rendering creates one for each resource.
    """

    accounts: VisibleAccounts
    now: datetime
    judge: FreshnessJudge
    stats: RuntimeStats = NO_RUNTIME_STATS
    assessment: Assessment | None = None
    enclosing: bytes | None = None

    def inside(self, enclosing: bytes | None, assessment: Assessment) -> RenderContext:
        """Return the context inside the resource of this sighting."""
        return RenderContext(self.accounts, self.now, self.judge, self.stats, assessment, enclosing)

    def past(self, instant: datetime | None) -> str | None:
        """Return the text of an instant; None if it lies in the future, because then it does not give an age."""
        return optional_text(instant) if instant is not None and instant <= self.now else None


class PlaceholderRenderer:
    """Renders one kind of placeholder."""

    def render(self, payload: Any, context: RenderContext) -> Any:
        """Return the field's value, which can be encoded as JSON. `payload` is decoded; None if the placeholder has none."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class LastSynced(PlaceholderRenderer):
    """Renders `lastSyncedAt`, which is the same instant as `freshness.observedAt`."""

    def render(self, payload: Any, context: RenderContext) -> Any:
        """Return the text of the instant, or None."""
        return None if context.assessment is None else optional_text(context.assessment.observed_at)


@dataclass(frozen=True, slots=True)
class PricedAsOf(PlaceholderRenderer):
    """Renders `pricingAsOf`.

    The payload is the instant as text, null, or true. True stands for a price that the vendor reported with the resource: it is
    as old as the sighting.
    """

    def render(self, payload: Any, context: RenderContext) -> Any:
        """Return the text of the instant, or None."""
        return LastSynced().render(None, context) if payload is True else payload


@dataclass(frozen=True, slots=True)
class FreshnessOf(PlaceholderRenderer):
    """Renders `freshness` of the enclosing resource."""

    shape: Shape

    def render(self, payload: Any, context: RenderContext) -> Any:
        """Return the object."""
        assessment = context.assessment
        if assessment is None:
            return None
        fields = {
            "state": assessment.state.value,
            "observedAt": optional_text(assessment.observed_at),
            "ageSeconds": assessment.age_seconds,
            "source": None if assessment.source is None else assessment.source.value,
            "reason": None if assessment.reason is None else assessment.reason.value,
            "missingSince": optional_text(assessment.missing_since),
        }
        return self.shape.to_object(
            lambda child: _explanation(child, payload, context) if child.name == "explain" else fields[child.name]
        )


def _explanation(shape: Shape, payload: Sequence[str | None], context: RenderContext) -> dict[str, Any] | None:
    if context.enclosing is None:
        return None
    sighting = sighting_of(context.enclosing)
    vendor_id, trace, failed_flights = payload
    scope = context.accounts.scopes[sighting.scope_id]
    vendor = context.accounts.by_name[scope.facts.key.account].vendor
    row = RowTrace(sighting, str(vendor_id), trace, failed_flights)
    return explanation_object(shape, row, scope, vendor, context.now)


@dataclass(frozen=True, slots=True)
class AccountOf(PlaceholderRenderer):
    """Renders an account. The payload is its id."""

    shape: Shape

    def render(self, payload: Any, context: RenderContext) -> Any:
        """Return the object."""
        return account_object(self.shape, context.accounts.by_id[int(payload)], context)


@dataclass(frozen=True, slots=True)
class AccountsOf(PlaceholderRenderer):
    """Renders the list of all accounts that the viewer sees."""

    shape: Shape

    def render(self, payload: Any, context: RenderContext) -> Any:
        """Return the list."""
        return [account_object(self.shape, account, context) for account in context.accounts.accounts]


@dataclass(frozen=True, slots=True)
class CoverageOf(PlaceholderRenderer):
    """Renders the coverage of a list."""

    shape: Shape

    def render(self, payload: Any, context: RenderContext) -> Any:
        """Return the object."""
        return coverage_object(self.shape, context)


@dataclass(frozen=True, slots=True)
class CursorOf(PlaceholderRenderer):
    """Renders a cursor of an order. The payload is the position: one value, or a list of values."""

    order: str

    def render(self, payload: Any, context: RenderContext) -> Any:
        """Return the text of the cursor."""
        return cursors.encode(self.order, *(payload if isinstance(payload, list) else [payload]))


def account_object(shape: Shape, account: AccountRow, context: RenderContext) -> dict[str, Any]:
    """Return an account as selected. `budget`, `calls` and `lastError` are for operators; the permission was checked before."""
    stats = context.stats
    fields: Mapping[str, Callable[[Shape], Any]] = {
        "name": lambda _: account.name,
        "vendor": lambda _: account.vendor,
        "state": lambda _: account.state().value,
        "lastError": lambda _: account.last_error(),
        "budget": lambda child: budget_object(child, stats.budget(account.name)),
        "calls": lambda child: calls_object(child, stats.calls(account.name)),
        "scopes": lambda child: [scope_object(child, row, context) for row in account.scopes],
    }
    return shape.to_object(lambda child: fields[child.name](child))


def scope_object(shape: Shape, row: ScopeRow, context: RenderContext) -> dict[str, Any]:
    """Return a scope as selected."""
    facts = row.facts
    on_hold = facts.hold_until is not None and facts.hold_until > context.now
    fields = {
        "kind": facts.key.kind.value,
        "region": facts.key.region,
        "sweptAt": context.past(facts.swept_at),
        "resourceCount": row.count,
        "state": row.state.value if facts.configured else "REMOVED",
        "reason": None if facts.problem is None else facts.problem.value,
        "nextAllowedAt": optional_text(facts.hold_until) if on_hold else None,
        "missingCount": row.missing_count,
        "breaker": breaker_state(row.failures, facts.hold_until, context.now).value,
    }
    return shape.to_object(lambda child: fields[child.name])


def coverage_object(shape: Shape, context: RenderContext) -> dict[str, Any]:
    """Return the coverage of a list as selected."""
    coverage = context.judge.coverage()
    fields: Mapping[str, Callable[[Shape], Any]] = {
        "complete": lambda _: not coverage.gaps,
        "sweptAt": lambda _: optional_text(coverage.swept_at),
        "gaps": lambda child: [_gap_object(child, gap, context) for gap in coverage.gaps],
    }
    return shape.to_object(lambda child: fields[child.name](child))


def _gap_object(shape: Shape, gap: Gap, context: RenderContext) -> dict[str, Any]:
    key = gap.scope.key
    account = context.accounts.by_name[key.account]
    fields: Mapping[str, Callable[[Shape], Any]] = {
        "account": lambda child: account_object(child, account, context),
        "kind": lambda _: key.kind.value,
        "region": lambda _: key.region,
        "sweptAt": lambda _: context.past(gap.scope.swept_at),
        "reason": lambda _: gap.reason.value,
    }
    return shape.to_object(lambda child: fields[child.name](child))
