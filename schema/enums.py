"""The enums of the graph, with a description of each value."""

from __future__ import annotations

from collections.abc import Mapping
from enum import EnumType
from typing import Final

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from domain import enums

_EXTENSIBLE: Final = "Values may be added later, and clients must accept them."

DESCRIPTIONS: Final[Mapping[EnumType, tuple[str, Mapping[str, str]]]] = {
    enums.ResourceKind: (
        "The kind of resources that a vendor lists together.",
        {
            "MACHINES": "Virtual machines, containers, bare-metal machines and clusters.",
            "VOLUMES": "Block disks and file systems.",
        },
    ),
    enums.ResourceType: (
        "The type of a resource.",
        {
            "VM": "A virtual machine.",
            "CONTAINER": "A container that is rented like a machine.",
            "BARE_METAL": "A whole physical machine.",
            "CLUSTER": "Several machines that are rented together.",
            "BLOCK_DISK": "A disk that one machine attaches.",
            "FILESYSTEM": "A file system that several machines can share.",
            "OTHER": "A type that the gateway does not distinguish yet.",
        },
    ),
    enums.ResourceStatus: (
        "The status, in terms that all vendors share (`vendorStatus` has the vendor's own). Lists sort in this order.",
        {
            "PENDING": "Ordered, and the vendor has not started to create it.",
            "PROVISIONING": "The vendor is creating it.",
            "RUNNING": "The machine is running, or the volume is ready for use.",
            "STOPPING": "It is being stopped.",
            "STOPPED": "Stopped; it can be started again.",
            "DELETING": "It is being deleted.",
            "DELETED": "Deleted. This status is final.",
            "ERROR": "The vendor reports a failure.",
            "UNKNOWN": "The vendor reports no status, or one that the gateway does not recognize.",
        },
    ),
    enums.LinkType: (
        "The relation of a linked resource to the resource that shows the link.",
        {
            "ATTACHED_STORAGE": "A volume that is attached to this machine.",
            "ATTACHED_TO": "The machine to which this volume is attached.",
            "MEMBER_OF": "The cluster to which this machine belongs.",
            "HAS_MEMBER": "A machine that belongs to this cluster.",
            "SAME_MACHINE": "The same machine or volume, visible through another account.",
        },
    ),
    enums.OfferType: (
        "The kind of resource that is offered.",
        {
            "VM": "Virtual machines.",
            "CONTAINER": "Containers.",
            "BARE_METAL": "Physical machines.",
            "CLUSTER": "Clusters.",
            "STORAGE": "Volumes and file systems.",
            "OTHER": "A kind that the gateway does not distinguish yet.",
        },
    ),
    enums.OfferRole: (
        "The role of an offer in the life of a resource.",
        {
            "ORIGIN": "The resource was ordered by this offer.",
            "EXTENSION": "The rental term was extended by this offer.",
            "OBSERVED": "The terms when the resource was first seen.",
            "RETERMED": "The terms changed to these.",
        },
    ),
    enums.ContractType: (
        "The kind of contract by which a resource is rented.",
        {
            "ONDEMAND": "Until the customer deletes it.",
            "SPOT": "Until the vendor reclaims it.",
            "RESERVED": "For a fixed term.",
            "UNKNOWN": "The vendor does not report the contract.",
        },
    ),
    enums.PriceSource: (
        "The source of a price.",
        {
            "VENDOR": "The vendor, together with the resource.",
            "CATALOGUE": "The vendor's price list, by type and region.",
            "PRICE_FILE": "A file of the operator.",
            "NONE": "The price is unknown.",
        },
    ),
    enums.FreshnessState: (
        "Whether a value is as recent as was demanded.",
        {
            "FRESH": "Observed at or after the instant that was demanded.",
            "STALE": "Older than was demanded; `reason` says why.",
            "UNCONFIRMED": "The last complete listing does not contain the resource, and its deletion is not proven yet.",
        },
    ),
    enums.ObservationSource: (
        "The kind of request by which a value was observed.",
        {
            "SWEEP": "A listing of all resources of a scope.",
            "PROBE": "A request for this resource only.",
            "OPERATOR": "A statement of the operator, without a request. Only changes have this source.",
        },
    ),
    enums.StaleReason: (
        "Why a value is older than was demanded.",
        {
            "NOT_DEMANDED": "Only recorded fields were selected, so no cloud was asked.",
            "DEADLINE": "The cloud did not answer within the max wait of the request.",
            "VENDOR_DOWN": "The cloud could not be reached, or it returned a server error.",
            "TIMED_OUT": "The cloud did not answer within the time limit of the account.",
            "RATE_LIMITED": "The cloud asks for fewer requests.",
            "BUDGET_SPENT": "The share of the vendor's limits that the account may use is exhausted for now.",
            "AUTH_REJECTED": "The cloud refused the credentials.",
            "MALFORMED_ANSWER": "The response of the cloud is not what its documentation describes.",
            "PARTIAL_SWEEP": "The listing ended early.",
            "SUSPECT_SWEEP": "The listing lacks such a large part of the resources that it is not trusted yet.",
            "ABSENT": "The last complete listing does not contain the resource.",
            "NOT_CONFIGURED": "The account or its region is no longer configured.",
            "GATEWAY_ERROR": (
                "The vendor's answer could not be processed or recorded, for example because the disk is full. The log says why."
            ),
        },
    ),
    enums.AccountState: (
        "The state of an account, over all its scopes.",
        {
            "OK": "Every scope was listed completely.",
            "DEGRADED": "Some scopes could not be listed.",
            "DOWN": "No scope could be listed.",
            "AUTH_REJECTED": "The cloud refused the credentials.",
            "SUSPECT": "A listing lacks such a large part of the resources that it is not trusted yet.",
            "NEVER_SYNCED": "No scope has been listed yet.",
            "REMOVED": "The account is no longer configured; its recorded data is retained.",
        },
    ),
    enums.ScopeState: (
        "The result of the last listing of a scope.",
        {
            "OK": "The listing was complete.",
            "PARTIAL": "The listing ended early.",
            "FAILED": "The listing failed.",
            "SUSPECT": "The listing was complete, but lacks such a large part of the resources that it is not trusted yet.",
            "NEVER_SWEPT": "The scope has not been listed yet.",
            "REMOVED": "The scope is no longer configured.",
        },
    ),
    enums.BreakerState: (
        "Whether repeated failures block requests for a scope (a circuit breaker).",
        {
            "CLOSED": "Requests are sent: the last one did not fail.",
            "OPEN": "No request is sent until `nextAllowedAt`; the reason of the failures is returned at once.",
            "HALF_OPEN": "The block has ended; the next request is a trial.",
        },
    ),
    enums.TotalsKey: (
        "A key by which totals are grouped.",
        {
            "VENDOR": "The vendor.",
            "ACCOUNT": "The account.",
            "VENDOR_REGION": "The region, by the vendor's name.",
            "STATUS": "The status. It is live: grouping by it demands freshness.",
            "RESOURCE_TYPE": "The resource type.",
            "GPU_TYPE": "The GPU type. It is live: grouping by it demands freshness.",
        },
    ),
    enums.ResourceOrderField: (
        "A field by which a list is ordered. Null sorts as the smallest value; resources with equal values are ordered by id.",
        {
            "CREATED_AT": "The time of creation.",
            "NAME": "The name, by code points. It is live: ordering by it demands freshness.",
            "STATUS": "The status, in the order of the enum. It is live: ordering by it demands freshness.",
            "PRICING_TOTAL_HOURLY": "The price per hour. It is live: ordering by it demands freshness.",
        },
    ),
    enums.Direction: (
        "The direction of an order.",
        {"ASC": "The smallest value first.", "DESC": "The largest value first."},
    ),
}
"""The description of each enum and of each of its values."""

for _enum, (_description, _values) in DESCRIPTIONS.items():
    strawberry.enum(_enum, description=f"{_description} {_EXTENSIBLE}")
    _definition: StrawberryEnumDefinition = _enum.__strawberry_definition__  # type: ignore[attr-defined]  # set by strawberry
    for _value in _definition.values:
        _value.description = _values[_value.name]
