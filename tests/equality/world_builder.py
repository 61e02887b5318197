"""Worlds from a seed: calm ones without failures, and rough ones with every kind of failure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Final, TypeVar
from uuid import UUID

from domain.enums import (
    ContractType,
    LinkType,
    ObservationSource,
    OfferRole,
    OfferType,
    PriceSource,
    ResourceKind,
    ResourceStatus,
    ResourceType,
    ScopeState,
    StaleReason,
)
from domain.records.identity import account_identity, offer_uuid
from domain.records.model import (
    LinkRecord,
    LiveState,
    ProvenanceEntry,
    ResourceRecord,
    ScopeKey,
    ScopeRecord,
    VendorKey,
)
from domain.records.observation import Access, CallTrace, Price, Spec, Terms
from domain.records.traces import FailedFlight, ObservationTrace, SweepTrace
from domain.runtime_stats import BudgetLeft, CallCount
from tests.equality import vocabulary as words
from tests.equality.chronicle import write_history
from tests.equality.world import EqualityWorld, WorldAccount, WorldProvenance, ago

T = TypeVar("T")
_MACHINES, _VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES
_TYPES: Final = {
    _MACHINES: (
        ResourceType.VM, ResourceType.VM, ResourceType.CONTAINER, ResourceType.BARE_METAL, ResourceType.CLUSTER,
        ResourceType.OTHER,
    ),
    _VOLUMES: (ResourceType.BLOCK_DISK, ResourceType.FILESYSTEM, ResourceType.OTHER),
}  # fmt: skip
_ACCOUNTS: Final = (
    (WorldAccount("east", "sandbox", 30), ((_MACHINES, None), (_VOLUMES, None))),
    (
        WorldAccount("west", "aws", 60, links_owner=_VOLUMES),
        ((_MACHINES, "us-east-1"), (_VOLUMES, "us-east-1"), (_MACHINES, "eu-west-1")),
    ),
    (WorldAccount("Lab é", "lambda", 0, links_owner=None), ((_MACHINES, None),)),
)
_ROUGH_ACCOUNTS: Final = (
    (WorldAccount("gone", "aws", 30, configured=False), ((_MACHINES, "us-east-1"), (_VOLUMES, "us-east-1"))),
    (WorldAccount("down", "runpod", 120), ((_MACHINES, None), (_VOLUMES, None))),
    (WorldAccount("locked", "vast", 10), ((_MACHINES, None),)),
    (WorldAccount("new", "sandbox", 30), ((_MACHINES, None), (_VOLUMES, None))),
    (WorldAccount("odd", "sandbox", 15), ((_MACHINES, None), (_MACHINES, "region-1"))),
)
_TROUBLES: Final = tuple(
    reason for reason in StaleReason if reason not in {StaleReason.NOT_DEMANDED, StaleReason.ABSENT}
)


def build_world(seed: int, *, rough: bool, size: int = 30) -> EqualityWorld:
    """Return a world of about `size` resources.

    A rough one has stale, unconfirmed and failed scopes, accounts that are no longer configured, and times in the future.
    """
    return _Builder(Random(f"{seed}/{rough}"), rough, EqualityWorld()).build(size)


class _Builder:
    """Builds one world. Every choice is a draw of `random`, in a fixed order."""

    def __init__(self, random: Random, rough: bool, world: EqualityWorld) -> None:
        self.random, self.rough, self.world = random, rough, world
        self.living: set[tuple[str, VendorKey]] = set()
        self.open: set[tuple[object, ...]] = set()
        self.offer_types: dict[tuple[object, ...], OfferType] = {}

    def build(self, size: int) -> EqualityWorld:
        for account, scopes in _ACCOUNTS + (_ROUGH_ACCOUNTS if self.rough else ()):
            self.add_account(account, scopes)
        for _ in range(size):
            self.add_resource()
        for resource in self.world.resources:
            self.add_offers(resource)
        for _ in range(size * 3 if len(self.world.resources) > 1 else 0):
            self.add_link()
        accounts = list(self.world.accounts)
        self.world.links.sort(key=lambda link: accounts.index(link.account))
        self.world.history = write_history(self.random, self.world)
        return self.world

    def one(self, *values: T) -> T:
        return self.random.choice(values)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def within(self, least: float, most: float) -> datetime:
        """Return an instant this many seconds ago, with or without microseconds."""
        return ago(round(self.random.uniform(least, most), self.one(0, 6)))

    # Accounts

    def add_account(self, account: WorldAccount, scopes: tuple[tuple[ResourceKind, str | None], ...]) -> None:
        if self.rough and account.name == "west" and self.chance(0.5):
            account = replace(account, links_owner=_MACHINES)
        self.world.accounts[account.name] = account
        for kind, region in scopes:
            self.world.scopes.append(self.make_scope(account, ScopeKey(account.name, kind, region)))
        if self.chance(0.7):
            left = self.one(None, 0, 7)
            self.world.budgets[account.name] = BudgetLeft(left, self.one(None, ago(-30)))
        if self.chance(0.7):
            self.world.calls[account.name] = CallCount(self.random.randint(0, 99), self.random.randint(0, 9))

    def make_scope(self, account: WorldAccount, key: ScopeKey) -> ScopeRecord:
        number = len(self.world.scopes) + 1
        swept = self.within(0, min(25, account.cooldown_seconds))
        calls = tuple(self.make_call(page) for page in range(1, self.random.randint(2, 4)))
        trace = self.one(None, SweepTrace(swept, self.random.randint(0, 5), calls))
        healthy = ScopeRecord(
            number,
            key,
            account.configured,
            5,
            swept,
            5,
            swept,
            ScopeState.OK,
            held=3,
            sweep_trace=trace,
            failed_flights=self.make_failed_flights(),
        )
        return self.add_trouble(healthy) if self.rough and account.name != "east" else healthy

    def add_trouble(self, scope: ScopeRecord) -> ScopeRecord:
        if scope.key.account == "new" and self.chance(0.8):
            return replace(
                scope,
                swept_no=0,
                swept_at=None,
                tried_no=0,
                tried_at=None,
                state=ScopeState.NEVER_SWEPT,
                sweep_trace=None,
                failed_flights=(),
            )
        state = self.one(ScopeState.OK, ScopeState.OK, ScopeState.FAILED, ScopeState.PARTIAL, ScopeState.SUSPECT)
        problem = None if state is ScopeState.OK and self.chance(0.7) else self.one(*_TROUBLES)
        if scope.key.account == "locked":
            state, problem = ScopeState.FAILED, self.one(StaleReason.AUTH_REJECTED, StaleReason.RATE_LIMITED)
        if scope.key.account == "down":
            state, problem = ScopeState.FAILED, self.one(StaleReason.VENDOR_DOWN, StaleReason.TIMED_OUT)
        if self.chance(0.5):
            self.world.failing[scope.key] = self.one(*_TROUBLES)
        swept, tried = self.within(1, 900), self.within(1, 120)
        if self.chance(0.08):
            swept = self.within(-90, -1)
        return replace(
            scope,
            configured=scope.configured and not (scope.key.region == "eu-west-1" and self.chance(0.7)),
            swept_at=None if self.chance(0.08) else swept,
            tried_no=7,
            tried_at=self.one(tried, tried, tried, ago(-5), None),
            state=state,
            problem=problem,
            problem_detail=None if problem is None else self.one("HTTP 503 of the cloud", "é", None),
            failures=0 if problem is None else self.random.randint(0, 3),
            hold_until=self.one(None, self.within(-60, -1), self.within(1, 60)),
        )

    def make_call(self, page: int) -> CallTrace:
        operation = self.one("GET /instances", "DescribeInstances")
        return CallTrace(operation, page, self.one(200, 206), self.one(0.25, 1.5, 1e-3), self.one(None, "req-é"))

    def make_failed_flights(self) -> tuple[FailedFlight, ...]:
        kinds = (ObservationSource.SWEEP, ObservationSource.PROBE)
        numbers = sorted(self.random.sample(range(2, 12), self.one(0, 0, 1, 4)))
        return tuple(
            FailedFlight(number, self.one(*kinds), self.within(1, 90), self.one(*_TROUBLES)) for number in numbers
        )

    # Resources

    def add_resource(self) -> None:
        scope = self.random.choice(self.world.scopes)
        kind, created = scope.key.kind, ago(self.one(3600, 7200, 86400) + self.one(0, 0, 0.5))
        status = self.random.choice(list(ResourceStatus))
        vendor_id = f"{self.one('i', 'v', 'é')}-{self.random.randint(1, 40)}"
        key = VendorKey(kind, vendor_id)
        if (scope.key.account, key) in self.living and status is not ResourceStatus.DELETED:
            return
        if status is not ResourceStatus.DELETED:
            self.living.add((scope.key.account, key))
        source = self.one(ObservationSource.SWEEP, ObservationSource.PROBE)
        seen = self.within(1, 600) if self.rough else self.within(0, 25)
        record = ResourceRecord(
            resource_id=UUID(int=self.random.getrandbits(128), version=5),
            account=scope.key.account,
            kind=kind,
            vendor_id=vendor_id,
            generation=0,
            scope_id=scope.scope_id,
            resource_type=self.one(*_TYPES[kind]),
            vendor_region=scope.key.region or self.one("unknown", "region-1"),
            created_at=created,
            vendor_created_at=self.one(None, created),
            first_seen_at=ago(3500.25),
            live=self.make_live_state(status),
            seen_no=self.one(3, 4, 6, 8),
            seen_at=seen,
            seen_source=source,
            first_no=1,
            trace=self.one(
                None, ObservationTrace(source, seen, self.random.randint(0, 9), self.one(None, self.make_call(1)))
            ),
            failed_flights=self.make_failed_flights(),
        )
        self.world.resources.append(self.add_absence(record))

    def add_absence(self, record: ResourceRecord) -> ResourceRecord:
        if record.deleted:
            record = replace(record, deleted_by=self.one("VENDOR", "ABSENCE"), deleted_at=self.within(5, 90))
        if not self.rough:
            return record
        if self.chance(0.3) and (not record.deleted or record.deleted_by == "ABSENCE"):
            record = replace(record, missing_since=self.within(1, 300), absent_no=7, absence_count=1)
        if self.chance(0.4):
            problem = self.one(None, *_TROUBLES)
            record = replace(
                record, probed_no=7, probed_at=self.one(self.within(1, 90), ago(-3)), probe_problem=problem
            )
        if self.chance(0.05):
            record = replace(record, seen_at=self.within(-60, -1))
        return record

    def make_live_state(self, status: ResourceStatus) -> LiveState:
        source = self.one(*PriceSource)
        amount = None if source is PriceSource.NONE else self.one(*words.PRICES)
        as_of = None if source is PriceSource.VENDOR else self.one(None, self.within(60, 4000))
        access = Access(
            self.one(None, "203.0.113.7"),
            self.one(None, "10.0.0.1"),
            self.one(None, "ssh -p 22 é@x"),
            self.one(None, 22),
        )
        spec = Spec(
            self.one(*words.GPU_TYPES),
            self.one(*words.GPU_FAMILIES),
            self.one(None, 0, 1, 8),
            self.one(*words.SIZES),
            self.one(*words.SIZES),
            self.one(*words.SIZES),
            self.one(None, "gpu_1x", "é"),
            self.one(None, "ubuntu"),
            self.one(*words.FACTS),  # type: ignore[arg-type]  # typed as JSON
        )
        return LiveState(
            status,
            self.one(None, status.value.lower(), "Frobnicating"),
            self.one(None, "", "preempted at 12:00 \U0001f600"),
            self.one(*words.NAMES),
            self.one(None, access, access),
            spec,
            Price(amount, self.one(*words.CURRENCIES), source, as_of),
            self.one(None, ago(86400)),
            self.one(None, ago(-86400), ago(-0.000001)),
        )

    # Offers and links

    def add_offers(self, resource: ResourceRecord) -> None:
        for role in self.random.sample(list(OfferRole), self.one(0, 1, 1, 2, 4)):
            sku, contract, rate, currency = (
                self.one(None, "gpu_1x"),
                self.one(*ContractType),
                self.one(None, 0.5, 1e22),
                self.one(None, "USD"),
            )
            # The offer type is not part of an offer's identity, so one offer has one type.
            offer_type = self.offer_types.setdefault(
                (resource.account, sku, contract, rate, currency), self.one(*OfferType)
            )
            terms = Terms(offer_type, contract, sku, rate, currency)
            entry = ProvenanceEntry(resource.resource_id, resource.account, terms, role, ago(self.one(900, 900, 800.5)))
            self.world.provenance.append(
                WorldProvenance(entry, offer_uuid(account_identity(resource.account, ()), terms))
            )

    def add_link(self) -> None:
        start, end = self.random.sample(self.world.resources, 2)
        link_type = self.one(*LinkType)
        if link_type is not LinkType.SAME_MACHINE and start.account != end.account:
            return
        since, until = ago(self.one(500, 500, 400.5)), None if self.chance(0.7) else self.within(5, 300)
        is_end_recorded = self.chance(0.95)
        link = LinkRecord(
            start.account,
            link_type,
            start.key,
            end.key,
            since,
            start.resource_id,
            end.resource_id if is_end_recorded else None,
            until,
        )
        # Two resources have at most one open link, in either direction.
        ends = {
            (link.account, link_type, link.from_key, link.to_key),
            (link.account, link_type, link.to_key, link.from_key),
        }
        ends |= {(link.account, other, *keys[2:]) for keys in set(ends) for other in LinkType}
        if start.key == end.key or (until is None and ends & self.open):
            return
        self.open |= set() if until else ends
        self.world.links.append(link)
