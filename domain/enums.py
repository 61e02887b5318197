"""Closed sets of values.

A member's value equals its name, so GraphQL, the database and the log share one text. REST shows it in lower case.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class ResourceKind(StrEnum):
    """The kinds of resources that vendors list separately."""

    MACHINES = "MACHINES"
    VOLUMES = "VOLUMES"


class ResourceType(StrEnum):
    """The type of a resource."""

    VM = "VM"
    CONTAINER = "CONTAINER"
    BARE_METAL = "BARE_METAL"
    CLUSTER = "CLUSTER"
    BLOCK_DISK = "BLOCK_DISK"
    FILESYSTEM = "FILESYSTEM"
    OTHER = "OTHER"


class ResourceStatus(StrEnum):
    """The status of a resource, common to all vendors. Lists sort by the order of definition."""

    PENDING = "PENDING"
    PROVISIONING = "PROVISIONING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    DELETING = "DELETING"
    DELETED = "DELETED"
    ERROR = "ERROR"
    UNKNOWN = "UNKNOWN"


class LinkType(StrEnum):
    """How the linked resource relates to the resource that shows the link."""

    ATTACHED_STORAGE = "ATTACHED_STORAGE"
    ATTACHED_TO = "ATTACHED_TO"
    MEMBER_OF = "MEMBER_OF"
    HAS_MEMBER = "HAS_MEMBER"
    SAME_MACHINE = "SAME_MACHINE"


class OfferType(StrEnum):
    """The type of product that an offer sells."""

    VM = "VM"
    CONTAINER = "CONTAINER"
    BARE_METAL = "BARE_METAL"
    CLUSTER = "CLUSTER"
    STORAGE = "STORAGE"
    OTHER = "OTHER"


class OfferRole(StrEnum):
    """How an offer relates to a resource."""

    ORIGIN = "ORIGIN"
    EXTENSION = "EXTENSION"
    OBSERVED = "OBSERVED"
    RETERMED = "RETERMED"


class ContractType(StrEnum):
    """The type of contract under which a resource is rented."""

    ONDEMAND = "ONDEMAND"
    SPOT = "SPOT"
    RESERVED = "RESERVED"
    UNKNOWN = "UNKNOWN"


class PriceSource(StrEnum):
    """Where a price comes from."""

    VENDOR = "VENDOR"
    CATALOGUE = "CATALOGUE"
    PRICE_FILE = "PRICE_FILE"
    NONE = "NONE"


class FreshnessState(StrEnum):
    """Whether a value meets the reader's freshness demand."""

    FRESH = "FRESH"
    STALE = "STALE"
    UNCONFIRMED = "UNCONFIRMED"


class ObservationSource(StrEnum):
    """The kind of flight that made an observation.

    An operator's decision is also recorded with a flight number, although it causes no vendor call.
    """

    SWEEP = "SWEEP"
    PROBE = "PROBE"
    OPERATOR = "OPERATOR"


class StaleReason(StrEnum):
    """Why a value does not meet the freshness demand."""

    NOT_DEMANDED = "NOT_DEMANDED"
    DEADLINE = "DEADLINE"
    VENDOR_DOWN = "VENDOR_DOWN"
    TIMED_OUT = "TIMED_OUT"
    RATE_LIMITED = "RATE_LIMITED"
    BUDGET_SPENT = "BUDGET_SPENT"
    AUTH_REJECTED = "AUTH_REJECTED"
    MALFORMED_ANSWER = "MALFORMED_ANSWER"
    PARTIAL_SWEEP = "PARTIAL_SWEEP"
    SUSPECT_SWEEP = "SUSPECT_SWEEP"
    ABSENT = "ABSENT"
    NOT_CONFIGURED = "NOT_CONFIGURED"
    GATEWAY_ERROR = "GATEWAY_ERROR"


class AccountState(StrEnum):
    """The state of an account over all its scopes."""

    OK = "OK"
    DEGRADED = "DEGRADED"
    DOWN = "DOWN"
    AUTH_REJECTED = "AUTH_REJECTED"
    SUSPECT = "SUSPECT"
    NEVER_SYNCED = "NEVER_SYNCED"
    REMOVED = "REMOVED"


class ScopeState(StrEnum):
    """The result of the last sweep of a scope."""

    OK = "OK"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    SUSPECT = "SUSPECT"
    NEVER_SWEPT = "NEVER_SWEPT"
    REMOVED = "REMOVED"


class BreakerState(StrEnum):
    """Whether calls may be sent for a scope."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


class TotalsKey(StrEnum):
    """The keys by which totals can be grouped."""

    VENDOR = "VENDOR"
    ACCOUNT = "ACCOUNT"
    VENDOR_REGION = "VENDOR_REGION"
    STATUS = "STATUS"
    RESOURCE_TYPE = "RESOURCE_TYPE"
    GPU_TYPE = "GPU_TYPE"


class ResourceOrderField(StrEnum):
    """The fields by which a list can be sorted."""

    CREATED_AT = "CREATED_AT"
    NAME = "NAME"
    STATUS = "STATUS"
    PRICING_TOTAL_HOURLY = "PRICING_TOTAL_HOURLY"


class Direction(StrEnum):
    """The direction in which a list is sorted."""

    ASC = "ASC"
    DESC = "DESC"


class Permission(StrEnum):
    """The permissions of a token. `admin` implies the others."""

    READ = "read"
    REFRESH = "refresh"
    ADMIN = "admin"


STATUS_RANK: Final = {status: rank for rank, status in enumerate(ResourceStatus)}

KIND_OF_TYPE: Final = {
    ResourceType.VM: (ResourceKind.MACHINES,),
    ResourceType.CONTAINER: (ResourceKind.MACHINES,),
    ResourceType.BARE_METAL: (ResourceKind.MACHINES,),
    ResourceType.CLUSTER: (ResourceKind.MACHINES,),
    ResourceType.BLOCK_DISK: (ResourceKind.VOLUMES,),
    ResourceType.FILESYSTEM: (ResourceKind.VOLUMES,),
    ResourceType.OTHER: (ResourceKind.MACHINES, ResourceKind.VOLUMES),
}
"""The kinds of scope that can list a resource type."""

INVERSE_LINK: Final = {
    LinkType.ATTACHED_STORAGE: LinkType.ATTACHED_TO,
    LinkType.ATTACHED_TO: LinkType.ATTACHED_STORAGE,
    LinkType.MEMBER_OF: LinkType.HAS_MEMBER,
    LinkType.HAS_MEMBER: LinkType.MEMBER_OF,
    LinkType.SAME_MACHINE: LinkType.SAME_MACHINE,
}
"""The type of the same link, seen from its other end."""

UNKNOWN_REGION: Final = "unknown"
