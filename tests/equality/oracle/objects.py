"""The objects of the schema as plain dictionaries by field; values are computed when they are selected."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

from domain.records.model import LinkRecord, ResourceRecord, ScopeRecord
from domain.records.traces import FailedFlight, ObservationTrace
from tests.equality.oracle.ages import is_configured, was_listed_last
from tests.equality.oracle.pages import change_page
from tests.equality.oracle.root_field import OracleRootField
from tests.equality.world import WorldAccount, WorldProvenance

GraphObject: TypeAlias = dict[str, Any]
"""An object of the schema: values, or functions that compute them from the arguments of the field."""


def format_instant(instant: datetime | None) -> str | None:
    """Return an instant as the scalar DateTime."""
    return None if instant is None else instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def render_resource(root: OracleRootField, resource: ResourceRecord, *, chosen: bool = False) -> GraphObject:
    """Return a resource. If it was `chosen` by a live condition or order, its age matters whatever is selected."""
    if chosen:
        root.note(resource, live=True)
    return {
        **_recorded_fields(root, resource),
        **{name: _note_live(root, resource, value) for name, value in _live_values(root, resource).items()},
        **_aged_fields(root, resource),
    }


def _recorded_fields(root: OracleRootField, resource: ResourceRecord) -> GraphObject:
    return {
        "id": f"Resource:{resource.resource_id}",
        "resourceId": str(resource.resource_id),
        "resourceType": resource.resource_type.value,
        "vendor": root.world.accounts[resource.account].vendor,
        "vendorRegion": resource.vendor_region,
        "account": lambda: render_account(root, root.world.accounts[resource.account]),
        "vendorId": resource.vendor_id,
        "offerHistory": lambda: render_offers(root, resource),
        "createdAt": format_instant(resource.created_at),
        "firstSeenAt": format_instant(resource.first_seen_at),
        "history": lambda **arguments: render_history(root, resource, arguments),
    }


def _live_values(root: OracleRootField, resource: ResourceRecord) -> GraphObject:
    live, price = resource.live, resource.live.price
    priced_at = price.as_of or (root.age(resource).observed_at if price.source == "VENDOR" else None)
    return {
        "name": live.name,
        "status": live.status.value,
        "vendorStatus": live.vendor_status,
        "statusMessage": live.status_message,
        "access": _access(resource),
        "spec": _spec(resource),
        "pricingTotalHourly": price.amount,
        "currency": price.currency,
        "pricingSource": price.source.value,
        "pricingAsOf": format_instant(priced_at),
        "validFrom": format_instant(live.valid_from),
        "validTo": format_instant(live.valid_to),
    }


def _note_live(root: OracleRootField, resource: ResourceRecord, value: Any) -> Callable[[], Any]:
    """Return a function that notes the resource and returns the value."""

    def compute() -> Any:
        root.note(resource, live=True)
        return value

    return compute


def _aged_fields(root: OracleRootField, resource: ResourceRecord) -> GraphObject:
    """Return the fields with which the age of the resource matters: its links, which are live, and the age itself."""

    def links(includeEnded: bool) -> list[GraphObject]:  # noqa: N803  # the name in the schema
        root.note(resource, live=True, links=True)
        return [render_link(root, *each) for each in root.resources.links_of(resource, ended=includeEnded)]

    def last_synced_at() -> str | None:
        root.note(resource, live=False)
        return format_instant(root.age(resource).observed_at)

    def freshness() -> GraphObject:
        root.note(resource, live=False)
        return render_freshness(root, resource)

    return {"linkedResources": links, "lastSyncedAt": last_synced_at, "freshness": freshness}


def _access(resource: ResourceRecord) -> GraphObject | None:
    access = resource.live.access
    if access is None:
        return None
    return {
        "externalIp": access.external_ip,
        "internalIp": access.internal_ip,
        "sshCommand": access.ssh_command,
        "sshPort": access.ssh_port,
    }


def _spec(resource: ResourceRecord) -> GraphObject:
    spec = resource.live.spec
    return {
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


def render_history(root: OracleRootField, resource: ResourceRecord, arguments: dict[str, Any]) -> GraphObject:
    """Return the changes of one resource."""
    fields, since = arguments.get("fields"), arguments.get("since")
    changes = [
        change
        for change in root.world.history
        if change.entry.resource_id == resource.resource_id
        and (fields is None or change.entry.field in fields)
        and (since is None or change.entry.observed_at >= since)
    ]
    return change_page(changes, arguments, "HISTORY", lambda _: render_resource(root, resource))


def render_link(root: OracleRootField, link: LinkRecord, other: ResourceRecord, link_type: str) -> GraphObject:
    """Return a link as seen from one end; `other` is the resource at the other end."""

    def freshness() -> GraphObject:
        root.note(other, live=False)
        return render_freshness(root, other)

    return {
        "resourceId": str(other.resource_id),
        "resourceType": other.resource_type.value,
        "name": _note_live(root, other, other.live.name),
        "status": _note_live(root, other, other.live.status.value),
        "freshness": freshness,
        "linkType": link_type,
        "linkedSince": format_instant(link.linked_since),
        "linkedUntil": format_instant(link.linked_until),
        "resource": lambda: render_resource(root, other),
    }


def render_offers(root: OracleRootField, resource: ResourceRecord) -> list[GraphObject]:
    """Return the offer history, oldest first."""
    entries = [each for each in root.world.provenance if each.entry.resource_id == resource.resource_id]
    return [_offer(each) for each in sorted(entries, key=lambda each: each.entry.created_at)]


def _offer(provenance: WorldProvenance) -> GraphObject:
    terms = provenance.entry.terms
    common = {"offerId": str(provenance.offer_id), "offerType": terms.offer_type.value}
    offer = {
        "contractType": terms.contract_type.value,
        "vendorSku": terms.sku,
        "priceHourly": terms.running_rate,
        "currency": terms.currency,
    }
    return {
        **common,
        "role": provenance.entry.role.value,
        "createdAt": format_instant(provenance.entry.created_at),
        "offer": {**common, **offer},
    }


def render_freshness(root: OracleRootField, resource: ResourceRecord) -> GraphObject:
    """Return the freshness of a resource."""
    age = root.age(resource)
    return {
        "state": age.state,
        "observedAt": format_instant(age.observed_at),
        "ageSeconds": age.seconds,
        "source": age.source,
        "reason": age.reason,
        "missingSince": format_instant(age.missing_since),
        "explain": lambda: render_explanation(root, resource),
    }


def render_explanation(root: OracleRootField, resource: ResourceRecord) -> GraphObject:
    """Return the call that the values come from, and the attempts since."""
    scope, now = root.scope_of(resource), root.now
    trace, number = (resource.trace if resource.seen_at <= now else None), resource.seen_no
    if was_listed_last(resource, scope, now):
        trace = None if scope.sweep_trace is None else scope.sweep_trace.of(resource.vendor_id)
        number = scope.swept_no
    is_called = is_configured(scope, root.world.accounts[resource.account]) and not resource.deleted
    hold = scope.hold_until if is_called else None
    attempts = {
        attempt.number: attempt
        for attempt in (*scope.failed_flights, *resource.failed_flights)
        if attempt.number > number
    }
    return {
        "vendor": root.world.accounts[resource.account].vendor,
        **_call(trace),
        "failedAttempts": [_attempt(attempts[each]) for each in sorted(attempts)[-5:]],
        "nextAllowedAt": format_instant(hold) if hold is not None and hold > now else None,
    }


def _call(trace: ObservationTrace | None) -> GraphObject:
    call = None if trace is None else trace.call
    return {
        "operation": call and call.operation,
        "page": call and call.page,
        "httpStatus": call and call.http_status,
        "latencySeconds": call and call.seconds,
        "requestId": call and call.request_id,
        "sentAt": trace and format_instant(trace.sent_at),
        "source": trace and trace.source.value,
        "readers": trace and trace.readers,
    }


def _attempt(flight: FailedFlight) -> GraphObject:
    return {"source": flight.source.value, "sentAt": format_instant(flight.sent_at), "reason": flight.reason.value}


def render_account(root: OracleRootField, account: WorldAccount) -> GraphObject:
    """Return an account. Its operational fields have already been refused to all but operators."""
    scopes = [scope for scope in root.world.scopes if scope.key.account == account.name]
    scopes.sort(key=lambda scope: (scope.key.kind, scope.key.region or ""))
    budget, calls = root.world.budgets.get(account.name), root.world.calls.get(account.name)
    failed = [scope for scope in scopes if scope.problem_detail is not None and scope.tried_at is not None]
    last = max(failed, key=lambda scope: str(scope.tried_at), default=None)
    return {
        "name": account.name,
        "vendor": account.vendor,
        "state": lambda: _account_state(account, scopes),
        "lastError": last and last.problem_detail,
        "budget": budget and {"remaining": budget.remaining, "resetsAt": format_instant(budget.resets_at)},
        "calls": calls and {"made": calls.sent, "saved": calls.saved},
        "scopes": lambda: [_scope(root, scope) for scope in scopes],
    }


def _account_state(account: WorldAccount, scopes: list[ScopeRecord]) -> str:
    swept = [scope for scope in scopes if is_configured(scope, account)]
    states, problems = [scope.state for scope in swept], [scope.problem for scope in swept]
    if not account.configured:
        return "REMOVED"
    if "AUTH_REJECTED" in problems:
        return "AUTH_REJECTED"
    if "SUSPECT" in states or "SUSPECT_SWEEP" in problems:
        return "SUSPECT"
    if swept and set(states) == {"FAILED"}:
        return "DOWN"
    if all(scope.swept_at is None for scope in swept):
        return "NEVER_SYNCED"
    return "OK" if set(states) == {"OK"} and all(scope.swept_at for scope in swept) else "DEGRADED"


def _scope(root: OracleRootField, scope: ScopeRecord) -> GraphObject:
    living = [each for each in root.world.resources if each.scope_id == scope.scope_id and not each.deleted]
    open_until = scope.hold_until if scope.hold_until is not None and scope.hold_until > root.now else None
    return {
        "kind": scope.key.kind.value,
        "region": scope.key.region,
        "sweptAt": format_past(scope.swept_at, root.now),
        "resourceCount": len(living),
        "state": scope.state.value if is_configured(scope, root.world.accounts[scope.key.account]) else "REMOVED",
        "reason": scope.problem and scope.problem.value,
        "nextAllowedAt": format_instant(open_until),
        "breaker": "OPEN" if open_until else "HALF_OPEN" if scope.failures else "CLOSED",
        "missingCount": sum(each.missing_since is not None for each in living),
    }


def format_past(instant: datetime | None, now: datetime) -> str | None:
    """Return an instant as DateTime, or None if it is in the future, which gives no age."""
    return format_instant(instant) if instant is not None and instant <= now else None


def render_coverage(root: OracleRootField) -> GraphObject:
    """Return whether the list is current, and its gaps."""
    scopes, gaps = root.coverage()
    swept = [format_past(scope.swept_at, root.now) for scope in scopes]
    return {
        "complete": not gaps,
        "sweptAt": min(each for each in swept if each) if swept and all(swept) else None,
        "gaps": [
            {
                "account": lambda scope=scope: render_account(root, root.world.accounts[scope.key.account]),
                "kind": scope.key.kind.value,
                "region": scope.key.region,
                "sweptAt": format_past(scope.swept_at, root.now),
                "reason": reason,
            }
            for scope, reason in gaps
        ],
    }
