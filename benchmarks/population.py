"""The rows that every server answers from: resources in pairs, each with a link and two offers, the same in every run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from domain.enums import STATUS_RANK, ResourceStatus
from domain.timestamps import to_text

Row = dict[str, Any]
ACCOUNTS: Final = ("inference", "research", "staging", "training")
_SEED: Final = 7
_FLIGHT: Final = 5
_GPUS: Final = (
    ("nvidia-h100-sxm5-80gb", "H100", 8),
    ("nvidia-a100-sxm4-80gb", "A100", 4),
    ("nvidia-l40s-48gb", "L40S", 1),
)
_STATUSES: Final = (ResourceStatus.RUNNING, ResourceStatus.RUNNING, ResourceStatus.STOPPED, ResourceStatus.PROVISIONING)
_CONTRACTS: Final = ("ONDEMAND", "SPOT", "RESERVED")
_SKUS: Final = 500
_YEAR_SECONDS: Final = 86_400 * 365


@dataclass(frozen=True, slots=True)
class BenchPopulation:
    """Rows by table, in the order in which the tables refer to each other."""

    tables: dict[str, list[Row]] = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        """The UUIDs of the resources."""
        return [row["resource_id"] for row in self.tables["resources"]]


def populate(count: int, now: datetime) -> BenchPopulation:
    """Return `count` resources (an even number), half machines and half volumes, all seen by sweeps that were sent at `now`."""
    random = Random(_SEED)  # noqa: S311 - rows, not secrets
    offers = list(_offers())
    population = BenchPopulation(
        {
            "accounts": [_account(number) for number in range(len(ACCOUNTS))],
            "scopes": [_scope(number, now) for number in range(2 * len(ACCOUNTS))],
            "resources": [],
            "offers": offers,
            "links": [],
            "provenance": [],
        }
    )
    pairs = count // 2
    for pair in range(pairs):
        account = pair % len(ACCOUNTS)
        # As in a database that grew: newer rows come later.
        age = _YEAR_SECONDS * (pairs - pair) / pairs
        machine, volume = (_resource(random, account, kind, pair, now, age) for kind in ("MACHINES", "VOLUMES"))
        population.tables["resources"] += [machine, volume]
        population.tables["links"] += _link(len(population.tables["links"]), machine, volume)
        for resource in (machine, volume):
            population.tables["provenance"] += _provenance(
                random, len(population.tables["provenance"]), resource, account, offers
            )
    return population


def _account(number: int) -> Row:
    return {
        "account_id": number + 1,
        "name": ACCOUNTS[number],
        "identity": ACCOUNTS[number],
        "vendor": "sandbox",
        "configured": True,
        "cooldown_seconds": 30.0,
        "flight_no": _FLIGHT,
    }


def _scope(number: int, now: datetime) -> Row:
    swept = {"swept_no": _FLIGHT, "swept_at": to_text(now), "tried_no": _FLIGHT, "tried_at": to_text(now)}
    kind = ("MACHINES", "VOLUMES")[number % 2]
    key = {"scope_id": number + 1, "account_id": number // 2 + 1, "kind": kind, "region": ""}
    return key | swept | {"configured": True, "state": "OK", "proven_no": _FLIGHT}


def _resource(random: Random, account: int, kind: str, pair: int, now: datetime, age: float) -> Row:
    machine = kind == "MACHINES"
    created = now - timedelta(seconds=86_400 + age + random.uniform(0, 3_600))
    status = random.choice(_STATUSES)
    name = f"{'node' if machine else 'disk'}-{pair:05d}"
    price = round(random.uniform(0.05, 40), 4)
    row = {
        "resource_id": str(UUID(int=random.getrandbits(128), version=5)),
        "account_id": account + 1,
        "scope_id": 2 * account + (1 if machine else 2),
        "kind": kind,
        "vendor_id": f"{'m' if machine else 'v'}-{pair}",
        "generation": 0,
        "resource_type": "VM" if machine else "BLOCK_DISK",
        "vendor": "sandbox",
        "vendor_region": "unknown",
        "created_at": to_text(created),
        "vendor_created_at": to_text(created),
        "first_seen_at": to_text(created + timedelta(seconds=40)),
        "first_seen_elapsed": 0.0,
        "first_no": 1,
        "name": name,
        "name_folded": name,
        "status": status.value,
        "status_rank": STATUS_RANK[status],
        "vendor_status": status.value.lower(),
        "price": price,
        "price_text": repr(price),
        "currency": "USD",
        "pricing_source": "VENDOR",
        "seen_no": _FLIGHT,
        "seen_at": to_text(now),
        "seen_source": "SWEEP",
        "disk_gb": repr(float(random.choice((100, 500, 2000)))),
        "spec_vendor": "{}",
    }
    return row | (_machine(random, pair) if machine else _volume())


def _machine(random: Random, pair: int) -> Row:
    gpu_type, family, count = random.choice(_GPUS)
    address = f"198.51.{pair // 256 % 256}.{pair % 256}"
    return {
        "has_access": True,
        "external_ip": address,
        "internal_ip": f"10.0.{pair // 256 % 256}.{pair % 256}",
        "ssh_command": f"ssh ubuntu@{address}",
        "ssh_port": 22,
        "gpu_type": gpu_type,
        "gpu_family": family,
        "gpu_count": count,
        "vcpu_count": repr(float(count * 16)),
        "memory_gb": repr(float(count * 200)),
        "vendor_sku": f"gpu.{count}x{family.lower()}",
        "image": "ubuntu-24.04",
    }


def _volume() -> Row:
    absent = "external_ip internal_ip ssh_command ssh_port gpu_type gpu_family gpu_count vcpu_count memory_gb vendor_sku image"
    return {"has_access": False} | dict.fromkeys(absent.split())


def _link(count: int, machine: Row, volume: Row) -> Iterator[Row]:
    since = max(machine["created_at"], volume["created_at"])
    ends = ((True, machine, volume, "ATTACHED_STORAGE"), (False, volume, machine, "ATTACHED_TO"))
    for offset, (owned, start, end, link_type) in enumerate(ends):
        row = {
            "link_id": count + offset + 1,
            "account_id": machine["account_id"],
            "owned": owned,
            "link_type": link_type,
        }
        row |= {"from_kind": start["kind"], "from_vendor_id": start["vendor_id"], "from_id": start["resource_id"]}
        row |= {"to_kind": end["kind"], "to_vendor_id": end["vendor_id"], "to_id": end["resource_id"]}
        yield row | {"linked_since": since}


def _offers() -> Iterator[Row]:
    for account in range(len(ACCOUNTS)):
        for number in range(_SKUS):
            yield {
                "offer_id": str(UUID(int=1_000 * (account + 1) + number, version=5)),
                "account_id": account + 1,
                "offer_type": "VM" if number % 2 else "STORAGE",
                "contract_type": _CONTRACTS[number % 3],
                "vendor_sku": f"sku-{number}",
                "price_text": repr(round(0.05 + 0.02 * number, 2)),
                "currency": "USD",
            }


def _provenance(random: Random, count: int, resource: Row, account: int, offers: list[Row]) -> Iterator[Row]:
    first = random.randrange(_SKUS)
    for offset, role in enumerate(("OBSERVED", "RETERMED")):
        offer = offers[account * _SKUS + (first + offset) % _SKUS]
        yield {
            "provenance_id": count + offset + 1,
            "resource_id": resource["resource_id"],
            "offer_id": offer["offer_id"],
            "role": role,
            "created_at": resource["first_seen_at"] if offset == 0 else resource["seen_at"],
        }
