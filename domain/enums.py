"""The closed sets of words. Values equal names, so one text serves the graph, the record and the log; REST lowers it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class ResourceKind(StrEnum):
    """What a vendor lists together."""

    MACHINES = "MACHINES"
    VOLUMES = "VOLUMES"


class ResourceType(StrEnum):
    """What a resource is."""

    VM = "VM"
    CONTAINER = "CONTAINER"
    BARE_METAL = "BARE_METAL"
    CLUSTER = "CLUSTER"
    BLOCK_DISK = "BLOCK_DISK"
    FILESYSTEM = "FILESYSTEM"
    OTHER = "OTHER"


class ResourceStatus(StrEnum):
    """Our common status; the order of definition is the order in which lists sort."""

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
    """What the linked resource is to the one it is shown on."""

    ATTACHED_STORAGE = "ATTACHED_STORAGE"
    ATTACHED_TO = "ATTACHED_TO"
    MEMBER_OF = "MEMBER_OF"
    HAS_MEMBER = "HAS_MEMBER"
    SAME_MACHINE = "SAME_MACHINE"


class OfferType(StrEnum):
    """What an offer sells."""

    VM = "VM"
    CONTAINER = "CONTAINER"
    BARE_METAL = "BARE_METAL"
    CLUSTER = "CLUSTER"
    STORAGE = "STORAGE"
    OTHER = "OTHER"


class OfferRole(StrEnum):
    """What an offer was to a resource."""

    ORIGIN = "ORIGIN"
    EXTENSION = "EXTENSION"
    OBSERVED = "OBSERVED"
    RETERMED = "RETERMED"


class ContractType(StrEnum):
    """How a resource is rented."""

    ONDEMAND = "ONDEMAND"
    SPOT = "SPOT"
    RESERVED = "RESERVED"
    UNKNOWN = "UNKNOWN"


class PriceSource(StrEnum):
    """Who told a price."""

    VENDOR = "VENDOR"
    CATALOGUE = "CATALOGUE"
    PRICE_FILE = "PRICE_FILE"
    NONE = "NONE"


class FreshnessState(StrEnum):
    """Whether an answer is as fresh as it was demanded."""

    FRESH = "FRESH"
    STALE = "STALE"
    UNCONFIRMED = "UNCONFIRMED"


class ObservationSource(StrEnum):
    """Which kind of flight told us; what the operator says has a flight's number too, though no vendor was asked."""

    SWEEP = "SWEEP"
    PROBE = "PROBE"
    OPERATOR = "OPERATOR"


class StaleReason(StrEnum):
    """Why a value is older than it was demanded."""

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


class AccountState(StrEnum):
    """How an account fares, over all its scopes."""

    OK = "OK"
    DEGRADED = "DEGRADED"
    DOWN = "DOWN"
    AUTH_REJECTED = "AUTH_REJECTED"
    SUSPECT = "SUSPECT"
    NEVER_SYNCED = "NEVER_SYNCED"
    REMOVED = "REMOVED"


class ScopeState(StrEnum):
    """How the last sweep of a scope ended."""

    OK = "OK"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    SUSPECT = "SUSPECT"
    NEVER_SWEPT = "NEVER_SWEPT"
    REMOVED = "REMOVED"


class BreakerState(StrEnum):
    """Whether a scope may be asked."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


class TotalsKey(StrEnum):
    """By what totals may be grouped."""

    VENDOR = "VENDOR"
    ACCOUNT = "ACCOUNT"
    VENDOR_REGION = "VENDOR_REGION"
    STATUS = "STATUS"
    RESOURCE_TYPE = "RESOURCE_TYPE"
    GPU_TYPE = "GPU_TYPE"


class ResourceOrderField(StrEnum):
    """By what a list may be ordered."""

    CREATED_AT = "CREATED_AT"
    NAME = "NAME"
    STATUS = "STATUS"
    PRICING_TOTAL_HOURLY = "PRICING_TOTAL_HOURLY"


class Direction(StrEnum):
    """Which way a list is ordered."""

    ASC = "ASC"
    DESC = "DESC"


class Permission(StrEnum):
    """What a token may do; `admin` implies the others."""

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
"""Which kinds of scope may list a type."""

INVERSE_LINK: Final = {
    LinkType.ATTACHED_STORAGE: LinkType.ATTACHED_TO,
    LinkType.ATTACHED_TO: LinkType.ATTACHED_STORAGE,
    LinkType.MEMBER_OF: LinkType.HAS_MEMBER,
    LinkType.HAS_MEMBER: LinkType.MEMBER_OF,
    LinkType.SAME_MACHINE: LinkType.SAME_MACHINE,
}
"""The same link seen from its other end."""

UNKNOWN_REGION: Final = "unknown"
