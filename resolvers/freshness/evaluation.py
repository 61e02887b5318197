"""The one evaluation of freshness: what was read for an operation, against the demands of its root fields. Pure.

The common case is that everything is fresh. It is recognized early, without an object for each resource.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from db.query.annotated_text import selected_resource
from db.query.reader import RootResult
from domain.enums import ResourceKind
from domain.errors import ReaderError
from domain.freshness import Demand
from domain.rules import FreshnessRules
from reconcile.requests import RefreshRequest, RefreshResult
from resolvers.freshness.report import FreshnessReport
from resolvers.freshness.summary import FreshnessSummary, OperationAnswer, summarize
from resolvers.freshness.targets import (
    FreshnessDeadline,
    RefreshTargets,
    find_targets,
    merge_requests,
    refresh_requests,
)

_NO_RESULT: Final = RefreshResult()


@dataclass(frozen=True, slots=True)
class FreshnessContext:
    """What every evaluation needs.

    `links_owner` maps an account to the kind that reports its links; `default_waits` to its default max wait in seconds, if it
    has one of its own.
    """

    rules: FreshnessRules
    links_owner: Mapping[str, ResourceKind]
    default_waits: Mapping[str, float]

    def deadline(self, demand: Demand, arrived_at: datetime) -> FreshnessDeadline:
        """Return a demand counted from a reader's arrival."""
        return FreshnessDeadline(
            demand, arrived_at, lambda account: self.default_waits.get(account, self.rules.deadline_seconds)
        )

    def targets(self, root: RootResult, sightings: Collection[bytes]) -> RefreshTargets | None:
        """Return what the root field's demand applies to among these sightings; None if it demands nothing."""
        if not root.demand.live:
            return None
        possible = root.accounts.possible if root.demand.scopes else ()
        selected = [selected_resource(mark) for mark in sightings]
        return find_targets(root.accounts.scope_facts, possible, selected, self.links_owner, links=root.demand.links)


@dataclass(slots=True)
class FreshRoot:
    """A root field whose answer is fresh: when its oldest part was seen, if any was, and the accounts that are demanded.

    Not frozen: one is created for each root field of a request.
    """

    oldest: datetime | None
    accounts: Collection[str]


@dataclass(slots=True)
class Evaluation:
    """What one read of an operation says about freshness.

    `requests` must be refreshed before the answer can be given; empty if every demand is settled. `accounts` are those whose
    freshness somebody demanded. `fresh` is set, by response key, if everything is fresh. Not frozen.
    """

    context: FreshnessContext
    roots: Mapping[str, RootResult]
    demands: Mapping[str, Demand]
    arrived_at: datetime
    now: datetime
    requests: list[RefreshRequest]
    accounts: Collection[str]
    targets: Mapping[str, RefreshTargets | None]
    fresh: Mapping[str, FreshRoot] | None = None
    result: RefreshResult | None = None
    _reports: Mapping[str, FreshnessReport] | None = None

    def answer(self, keys: Collection[str], errors: Mapping[str, ReaderError]) -> OperationAnswer:
        """Return the answer: the texts of what was read, and the errors of the other root fields."""
        texts: dict[str, bytes | ReaderError] = {}
        for key in keys:
            root = self.roots.get(key)
            if root is None:
                texts[key] = errors[key]
            elif not root.root.placeholders:
                texts[key] = root.text.plain_text
            else:
                texts[key] = root.render(self.reports()[key], self.now)
        fresh = self.fresh is not None
        summary = self._fresh_summary() if fresh else summarize(list(self.reports().values()), self.result)
        return OperationAnswer(texts, summary, lambda: list(self.reports().values()))

    def reports(self) -> Mapping[str, FreshnessReport]:
        """Return the report of each root field; built once, and only if it is needed."""
        if self._reports is None:
            self._reports = {key: self._report(key, root) for key, root in self.roots.items()}
        return self._reports

    def _report(self, key: str, root: RootResult) -> FreshnessReport:
        targets = self.targets.get(key)
        scopes = None if targets is None else targets.scopes
        every = cache(lambda: self.context.targets(root, root.text.sightings))
        deadline = self.context.deadline(self.demands[key], self.arrived_at)
        return FreshnessReport(root, deadline, scopes, every, self.result or _NO_RESULT, self.now)

    def _fresh_summary(self) -> FreshnessSummary:
        instants = [root.oldest for root in (self.fresh or {}).values() if root.oldest is not None]
        oldest = min(instants) if instants else None
        texts = [root.text for root in self.roots.values()]
        ids = texts[0].ids if len(texts) == 1 else set[bytes]().union(*(text.ids for text in texts))
        age = None if oldest is None else (self.now - oldest).total_seconds()
        return FreshnessSummary(len(ids), oldest_age_seconds=age)


def evaluate(
    context: FreshnessContext,
    roots: Mapping[str, RootResult],
    demands: Mapping[str, Demand],
    arrived_at: datetime,
    now: datetime,
    result: RefreshResult | None = None,
) -> Evaluation:
    """Evaluate what was read. With the result of a refresh the demands are settled, and nothing more is requested."""
    if result is None:
        fresh = _all_fresh(roots, demands, arrived_at, now)
        if fresh is not None:
            accounts = [account for root in fresh.values() for account in root.accounts]
            return Evaluation(context, roots, demands, arrived_at, now, [], accounts, {}, fresh)
    targets = {key: context.targets(root, root.text.representatives) for key, root in roots.items()}
    requests: list[RefreshRequest] = []
    demanded: set[str] = set()
    if result is None:
        for key, root in roots.items():
            root_targets = targets[key]
            if root_targets is not None:
                deadline = context.deadline(demands[key], arrived_at)
                requests += _requests(context, root, root_targets, deadline, now)
                demanded |= _configured_accounts(root, root_targets)
    merged = merge_requests(requests)
    return Evaluation(context, roots, demands, arrived_at, now, merged, demanded, targets, None, result)


def _requests(
    context: FreshnessContext, root: RootResult, targets: RefreshTargets, deadline: FreshnessDeadline, now: datetime
) -> list[RefreshRequest]:
    """Return what must be refreshed. Equal resources are judged once; all of them only if something must be refreshed."""
    scopes = root.accounts.scope_facts
    requests = refresh_requests(targets, scopes, deadline, now)
    if not requests or len(root.text.representatives) == len(root.text.sightings):
        return requests
    every = context.targets(root, root.text.sightings)
    return [] if every is None else refresh_requests(every, scopes, deadline, now)


def _configured_accounts(root: RootResult, targets: RefreshTargets) -> set[str]:
    # What is no longer configured is never refreshed, whoever reads it.
    scopes = [root.accounts.scope_facts[scope_id] for scope_id in (*targets.scopes, *targets.resources)]
    return {scope.key.account for scope in scopes if scope.configured}


def _all_fresh(
    roots: Mapping[str, RootResult], demands: Mapping[str, Demand], arrived_at: datetime, now: datetime
) -> dict[str, FreshRoot] | None:
    """The early exit: returns what is fresh if everything is, else None."""
    fresh: dict[str, FreshRoot] = {}
    for key, root in roots.items():
        fresh_root = find_fresh(root, demands[key], arrived_at, now)
        if fresh_root is None:
            return None
        fresh[key] = fresh_root
    return fresh


def find_fresh(root: RootResult, demand: Demand, arrived_at: datetime, now: datetime) -> FreshRoot | None:
    """Return the root field's answer if it is plainly fresh.

    None if anything needs a closer look: a forced demand, an account with a scope that was not listed in time, a resource that
    is missing, deleted or was probed. What is returned agrees with the reports and targets of the closer look.
    """
    possible = root.accounts.swept_possible if root.demand.scopes else ()
    if demand.force or possible is None:
        return None
    # One instant for all accounts if a max age is demanded, else each account's default.
    common = None if demand.max_age_seconds is None else arrived_at - timedelta(seconds=demand.max_age_seconds)
    accounts: set[str] = set()
    for scope in possible:
        if scope.first < (common or arrived_at - scope.cooldown) or scope.last > now:
            return None
        accounts.add(scope.account)
    sightings = root.text.plain_sightings
    if sightings is None:
        return None
    swept, oldest = root.accounts.swept, None
    for sighting in sightings:
        listed = swept.get(sighting.scope_id)
        if listed is None:
            return None
        seen_at = listed.swept_at if listed.swept_no > sighting.seen_no else sighting.seen_at
        not_before = common or arrived_at - listed.cooldown
        if listed.first < not_before or seen_at < not_before or seen_at > now or listed.last > now:
            return None
        if sighting.live:
            accounts.add(listed.account)
        if oldest is None or seen_at < oldest:
            oldest = seen_at
    return FreshRoot(oldest, accounts if root.demand.live else ())
