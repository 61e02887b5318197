"""The closed sets of words as enums of the graph, each value with what it means."""

from __future__ import annotations

from collections.abc import Mapping
from enum import EnumType
from typing import Final

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from domain import enums

_GROWS: Final = "Clients must expect values that are added later."

MEANINGS: Final[Mapping[EnumType, tuple[str, Mapping[str, str]]]] = {
    enums.ResourceKind: (
        "What a vendor lists together.",
        {
            "MACHINES": "Virtual machines, containers, bare metal and clusters.",
            "VOLUMES": "Block disks and file systems.",
        },
    ),
    enums.ResourceType: (
        "What a resource is.",
        {
            "VM": "A virtual machine.",
            "CONTAINER": "A container that is rented as a machine.",
            "BARE_METAL": "A whole physical machine.",
            "CLUSTER": "Several machines rented as one.",
            "BLOCK_DISK": "A disk that one machine attaches.",
            "FILESYSTEM": "A file system that machines share.",
            "OTHER": "Something that has no word here yet.",
        },
    ),
    enums.ResourceStatus: (
        "Our common status. The vendor's own word is `vendorStatus`. Lists sort in this order.",
        {
            "PENDING": "Ordered; the vendor has not begun.",
            "PROVISIONING": "The vendor is making it.",
            "RUNNING": "It runs, or, a volume, is ready for use.",
            "STOPPING": "On its way to a halt.",
            "STOPPED": "Halted; it can be started again.",
            "DELETING": "On its way out.",
            "DELETED": "Gone for good.",
            "ERROR": "The vendor says that it failed.",
            "UNKNOWN": "The vendor used a word that has no map yet, or none.",
        },
    ),
    enums.LinkType: (
        "What the linked resource is to the one it is shown on.",
        {
            "ATTACHED_STORAGE": "A volume that is attached to this machine.",
            "ATTACHED_TO": "The machine that this volume is attached to.",
            "MEMBER_OF": "The cluster that this machine belongs to.",
            "HAS_MEMBER": "A machine that belongs to this cluster.",
            "SAME_MACHINE": "The same machine, seen through another account.",
        },
    ),
    enums.OfferType: (
        "What an offer sells.",
        {
            "VM": "Virtual machines.",
            "CONTAINER": "Containers.",
            "BARE_METAL": "Physical machines.",
            "CLUSTER": "Clusters.",
            "STORAGE": "Volumes and file systems.",
            "OTHER": "Something that has no word here yet.",
        },
    ),
    enums.OfferRole: (
        "What an offer was to a resource.",
        {
            "ORIGIN": "It was ordered by this offer.",
            "EXTENSION": "Its term was extended by this offer.",
            "OBSERVED": "These were its terms when it was first seen.",
            "RETERMED": "Its terms changed to these.",
        },
    ),
    enums.ContractType: (
        "How a resource is rented.",
        {
            "ONDEMAND": "Until it is given back.",
            "SPOT": "Until the vendor takes it back.",
            "RESERVED": "For a fixed term.",
            "UNKNOWN": "The vendor does not tell.",
        },
    ),
    enums.PriceSource: (
        "Who told a price.",
        {
            "VENDOR": "The vendor, with the resource itself.",
            "CATALOGUE": "The vendor's catalogue, joined by type and region.",
            "PRICE_FILE": "A file of the operator's.",
            "NONE": "Nobody: the price is unknown.",
        },
    ),
    enums.FreshnessState: (
        "Whether an answer is as fresh as it was demanded.",
        {
            "FRESH": "Seen at or after the moment that was demanded.",
            "STALE": "Older than was demanded; `reason` tells why.",
            "UNCONFIRMED": "The last complete listing lacks it, and there is no verdict yet.",
        },
    ),
    enums.ObservationSource: (
        "Which kind of request told us.",
        {
            "SWEEP": "A listing of everything in its scope.",
            "PROBE": "A request for this one resource.",
            "OPERATOR": "None: whoever runs the gateway said so. Only changes have this.",
        },
    ),
    enums.StaleReason: (
        "Why a value is older than was demanded.",
        {
            "NOT_DEMANDED": "Only recorded fields were selected, so no cloud was asked.",
            "DEADLINE": "The cloud had not answered within the longest wait.",
            "VENDOR_DOWN": "The cloud could not be reached, or answered with an error of its own.",
            "TIMED_OUT": "The cloud did not answer in time.",
            "RATE_LIMITED": "The cloud wants fewer requests for a while.",
            "BUDGET_SPENT": "The account's own share of requests is used up for the moment.",
            "AUTH_REJECTED": "The cloud refused the credentials.",
            "MALFORMED_ANSWER": "The cloud's answer is not what it documents.",
            "PARTIAL_SWEEP": "The listing was cut short.",
            "SUSPECT_SWEEP": "The listing lacks so much that it is not believed yet.",
            "ABSENT": "The last complete listing lacks the resource.",
            "NOT_CONFIGURED": "The account or its region is no longer configured.",
        },
    ),
    enums.AccountState: (
        "How an account fares, over all its scopes.",
        {
            "OK": "Every scope was listed completely.",
            "DEGRADED": "Some scopes could not be listed.",
            "DOWN": "No scope could be listed.",
            "AUTH_REJECTED": "The cloud refused the credentials.",
            "SUSPECT": "Listings lack so much that they are not believed yet.",
            "NEVER_SYNCED": "Nothing was listed yet.",
            "REMOVED": "No longer configured; its record is kept.",
        },
    ),
    enums.ScopeState: (
        "How the last listing of a scope ended.",
        {
            "OK": "Complete.",
            "PARTIAL": "Cut short.",
            "FAILED": "Not at all.",
            "SUSPECT": "Complete, but lacking so much that it is not believed yet.",
            "NEVER_SWEPT": "There was none yet.",
            "REMOVED": "No longer configured.",
        },
    ),
    enums.BreakerState: (
        "Whether a scope may be asked after its failures.",
        {
            "CLOSED": "It may: nothing failed last.",
            "OPEN": "Not before its hold ends; readers are told why.",
            "HALF_OPEN": "Its hold has ended; the next request is a trial.",
        },
    ),
    enums.TotalsKey: (
        "By what totals are grouped.",
        {
            "VENDOR": "By vendor.",
            "ACCOUNT": "By account.",
            "VENDOR_REGION": "By the vendor's region.",
            "STATUS": "By status, which the vendor owns: it demands freshness.",
            "RESOURCE_TYPE": "By type.",
            "GPU_TYPE": "By type of GPU, which the vendor owns: it demands freshness.",
        },
    ),
    enums.ResourceOrderField: (
        "By what a list is ordered; null is the smallest value, ties go by the resource's id.",
        {
            "CREATED_AT": "By time of creation.",
            "NAME": "By name, in the order of code points; the vendor owns it: it demands freshness.",
            "STATUS": "By status, in the order of the enum; the vendor owns it: it demands freshness.",
            "PRICING_TOTAL_HOURLY": "By hourly price; the vendor owns it: it demands freshness.",
        },
    ),
    enums.Direction: (
        "Which way a list is ordered.",
        {"ASC": "Smallest first.", "DESC": "Largest first."},
    ),
}
"""Each enum of the graph: its description, and what each of its values means."""


def _publish(enum: EnumType, description: str, meanings: Mapping[str, str]) -> None:
    strawberry.enum(enum, description=f"{description} {_GROWS}")
    definition: StrawberryEnumDefinition = enum.__strawberry_definition__  # type: ignore[attr-defined]  # set by strawberry
    for value in definition.values:
        value.description = meanings[value.name]


for _enum, (_description, _meanings) in MEANINGS.items():
    _publish(_enum, _description, _meanings)
