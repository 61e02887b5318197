"""What each object of the graph holds: plain dictionaries by field, computed where they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

from domain.records.model import LinkRecord, ResourceRecord, ScopeRecord
from domain.records.traces import FailedFlight, ObservationTrace
from tests.equality.oracle.ages import configured, listed_last
from tests.equality.oracle.demanding import Root
from tests.equality.oracle.paging import change_page
from tests.equality.world import Account, Provenance

Thing: TypeAlias = dict[str, Any]
"""An object of the graph: values, or what computes them from the field's arguments."""


def text(instant: datetime | None) -> str | None:
    """As the graph writes instants."""
    return None if instant is None else instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def resource(root: Root, one: ResourceRecord, *, chosen: bool = False) -> Thing:
    """A resource. `chosen`: by a live condition or order, so its age matters whatever is shown of it."""
    live, price, spec, access = one.live, one.live.price, one.live.spec, one.live.access
    if chosen:
        root.note(one, live=True)

    def shown(value: Any) -> Callable[[], Any]:
        def tell() -> Any:
            root.note(one, live=True)
            return value

        return tell

    def aged(tell: Callable[..., Any], *, live: bool = False, links: bool = False) -> Callable[..., Any]:
        def told(**arguments: Any) -> Any:
            root.note(one, live=live, links=links)
            return tell(**arguments)

        return told

    def links(includeEnded: bool) -> list[Thing]:  # noqa: N803  # the graph's name
        return [linked(root, *each) for each in root.choice.links_of(one, ended=includeEnded)]

    priced = price.as_of or (root.age(one).seen if price.source == "VENDOR" else None)
    return {
        "id": f"Resource:{one.resource_id}",
        "resourceId": str(one.resource_id),
        "resourceType": one.resource_type.value,
        "vendor": root.world.accounts[one.account].vendor,
        "vendorRegion": one.vendor_region,
        "account": lambda: account(root, root.world.accounts[one.account]),
        "vendorId": one.vendor_id,
        "name": shown(live.name),
        "status": shown(live.status.value),
        "vendorStatus": shown(live.vendor_status),
        "statusMessage": shown(live.status_message),
        "access": shown(
            access
            and {
                "externalIp": access.external_ip,
                "internalIp": access.internal_ip,
                "sshCommand": access.ssh_command,
                "sshPort": access.ssh_port,
            }
        ),
        "spec": shown(
            {
                "gpuType": spec.gpu_type,
                "gpuFamily": spec.gpu_family,
                "gpuCount": spec.gpu_count,
                "vcpuCount": spec.vcpu_count,
                "memoryGb": spec.memory_gb,
                "diskGb": spec.disk_gb,
                "vendorSku": spec.vendor_sku,
                "image": spec.image,
                "vendor": spec.vendor,
            }
        ),
        "linkedResources": aged(links, live=True, links=True),
        "offerHistory": lambda: offers(root, one),
        "pricingTotalHourly": shown(price.amount),
        "currency": shown(price.currency),
        "pricingSource": shown(price.source.value),
        "pricingAsOf": shown(text(priced)),
        "validFrom": shown(text(live.valid_from)),
        "validTo": shown(text(live.valid_to)),
        "lastSyncedAt": aged(lambda: text(root.age(one).seen)),
        "createdAt": text(one.created_at),
        "firstSeenAt": text(one.first_seen_at),
        "freshness": aged(lambda: freshness(root, one)),
        "history": lambda **arguments: history(root, one, arguments),
    }


def history(root: Root, one: ResourceRecord, arguments: dict[str, Any]) -> Thing:
    """The changes of one resource."""
    fields, since = arguments.get("fields"), arguments.get("since")
    changes = [
        each
        for each in root.world.history
        if each.entry.resource_id == one.resource_id
        and (fields is None or each.entry.field in fields)
        and (since is None or each.entry.observed_at >= since)
    ]
    return change_page(changes, arguments, "HISTORY", lambda _: resource(root, one))


def linked(root: Root, link: LinkRecord, other: ResourceRecord, word: str) -> Thing:
    """A link from one end."""

    def shown(value: Any) -> Callable[[], Any]:
        def tell() -> Any:
            root.note(other, live=True)
            return value

        return tell

    def aged() -> Thing:
        root.note(other, live=False)
        return freshness(root, other)

    return {
        "resourceId": str(other.resource_id),
        "resourceType": other.resource_type.value,
        "name": shown(other.live.name),
        "status": shown(other.live.status.value),
        "freshness": aged,
        "linkType": word,
        "linkedSince": text(link.linked_since),
        "linkedUntil": text(link.linked_until),
        "resource": lambda: resource(root, other),
    }


def offers(root: Root, one: ResourceRecord) -> list[Thing]:
    """Where it came from, oldest first."""
    mine = [each for each in root.world.provenance if each.entry.resource_id == one.resource_id]
    return [_offer(each) for each in sorted(mine, key=lambda each: each.entry.created_at)]


def _offer(one: Provenance) -> Thing:
    terms = one.entry.terms
    common = {"offerId": str(one.offer_id), "offerType": terms.offer_type.value}
    offer = {
        "contractType": terms.contract_type.value,
        "vendorSku": terms.sku,
        "priceHourly": terms.running_rate,
        "currency": terms.currency,
    }
    return {
        **common,
        "role": one.entry.role.value,
        "createdAt": text(one.entry.created_at),
        "offer": {**common, **offer},
    }


def freshness(root: Root, one: ResourceRecord) -> Thing:
    """The truth about its age."""
    age = root.age(one)
    return {
        "state": age.state,
        "observedAt": text(age.seen),
        "ageSeconds": age.seconds,
        "source": age.source,
        "reason": age.reason,
        "missingSince": text(age.missing_since),
        "explain": lambda: explanation(root, one),
    }


def explanation(root: Root, one: ResourceRecord) -> Thing:
    """Which call told it, and what was tried since."""
    scope, now = root.scope_of(one), root.now
    told, number = (one.trace if one.seen_at <= now else None), one.seen_no
    if listed_last(one, scope, now):
        told, number = (None if scope.sweep_trace is None else scope.sweep_trace.of(one.vendor_id)), scope.swept_no
    hold = scope.hold_until if configured(scope, root.world.accounts[one.account]) and not one.deleted else None
    since = {each.number: each for each in (*scope.failed_flights, *one.failed_flights) if each.number > number}
    return {
        "vendor": root.world.accounts[one.account].vendor,
        **_call(told),
        "failedAttempts": [_try(since[each]) for each in sorted(since)[-5:]],
        "nextAllowedAt": text(hold) if hold is not None and hold > now else None,
    }


def _call(told: ObservationTrace | None) -> Thing:
    call = None if told is None else told.call
    return {
        "operation": call and call.operation,
        "page": call and call.page,
        "httpStatus": call and call.http_status,
        "latencySeconds": call and call.seconds,
        "requestId": call and call.request_id,
        "sentAt": told and text(told.sent_at),
        "source": told and told.source.value,
        "readers": told and told.readers,
    }


def _try(one: FailedFlight) -> Thing:
    return {"source": one.source.value, "sentAt": text(one.sent_at), "reason": one.reason.value}


def account(root: Root, one: Account) -> Thing:
    """An account; what tells how the gateway is run was refused to all but operators before."""
    scopes = [each for each in root.world.scopes if each.key.account == one.name]
    scopes.sort(key=lambda each: (each.key.kind, each.key.region or ""))
    budget, calls = root.world.budgets.get(one.name), root.world.calls.get(one.name)
    troubled = [each for each in scopes if each.problem_detail is not None and each.tried_at is not None]
    last = max(troubled, key=lambda each: str(each.tried_at), default=None)
    return {
        "name": one.name,
        "vendor": one.vendor,
        "state": lambda: _state(one, scopes),
        "lastError": last and last.problem_detail,
        "budget": budget and {"remaining": budget.remaining, "resetsAt": text(budget.resets_at)},
        "calls": calls and {"made": calls.sent, "saved": calls.saved},
        "scopes": lambda: [_scope(root, each) for each in scopes],
    }


def _state(one: Account, scopes: list[ScopeRecord]) -> str:
    asked = [each for each in scopes if configured(each, one)]
    states, problems = [each.state for each in asked], [each.problem for each in asked]
    if not one.configured:
        return "REMOVED"
    if "AUTH_REJECTED" in problems:
        return "AUTH_REJECTED"
    if "SUSPECT" in states or "SUSPECT_SWEEP" in problems:
        return "SUSPECT"
    if asked and set(states) == {"FAILED"}:
        return "DOWN"
    if all(each.swept_at is None for each in asked):
        return "NEVER_SYNCED"
    return "OK" if set(states) == {"OK"} and all(each.swept_at for each in asked) else "DEGRADED"


def _scope(root: Root, one: ScopeRecord) -> Thing:
    held = [each for each in root.world.resources if each.scope_id == one.scope_id and not each.deleted]
    open_until = one.hold_until if one.hold_until is not None and one.hold_until > root.now else None
    return {
        "kind": one.key.kind.value,
        "region": one.key.region,
        "sweptAt": past(one.swept_at, root.now),
        "resourceCount": len(held),
        "state": one.state.value if configured(one, root.world.accounts[one.key.account]) else "REMOVED",
        "reason": one.problem and one.problem.value,
        "nextAllowedAt": text(open_until),
        "breaker": "OPEN" if open_until else "HALF_OPEN" if one.failures else "CLOSED",
        "missingCount": sum(each.missing_since is not None for each in held),
    }


def past(instant: datetime | None, now: datetime) -> str | None:
    """Null where it is in the future, which tells no age."""
    return text(instant) if instant is not None and instant <= now else None


def coverage(root: Root) -> Thing:
    """Whether the list is current."""
    scopes, gaps = root.coverage()
    swept = [past(each.swept_at, root.now) for each in scopes]
    return {
        "complete": not gaps,
        "sweptAt": min(each for each in swept if each) if swept and all(swept) else None,
        "gaps": [
            {
                "account": lambda each=each: account(root, root.world.accounts[each.key.account]),
                "kind": each.key.kind.value,
                "region": each.key.region,
                "sweptAt": past(each.swept_at, root.now),
                "reason": reason,
            }
            for each, reason in gaps
        ],
    }
