"""Vast.ai against Prism, which serves the vendor's own specification and enforces it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.enums import (
    ContractType,
    OfferType,
    PriceSource,
    ResourceKind,
    ResourceStatus,
    ResourceType,
    StaleReason,
)
from domain.records.observation import (
    NO_PRICE,
    NOT_REPORTED,
    Access,
    Observation,
    Price,
    Spec,
    SweepOutcome,
    SweepResult,
    Terms,
)
from tests.doubles import prism, specifications
from tests.doubles.forwarder import Forwarding, forwarding
from tests.vendors.accounts import SECRET, Calls, account, lambda_settings

SPECIFICATION = "vast.yaml"
REASON = prism.missing(SPECIFICATION)
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """Prism's address, for the module."""
    with prism.serving(SPECIFICATION) as address:
        yield address


@pytest.fixture
def between(served: str) -> Iterator[Forwarding]:
    """A double between us and Prism."""
    with forwarding(served) as rules:
        yield rules


def examples(declared: Any) -> dict[str, Any]:
    """The examples of an object's properties, as the specification has them."""
    return {name: one["example"] for name, one in declared["properties"].items() if "example" in one}


def listed() -> dict[str, Any]:
    """The specification's example of an instance in a list."""
    answers = specifications.load(SPECIFICATION)["paths"]["/api/v1/instances"]["get"]["responses"]
    return examples(answers["200"]["content"]["application/json"]["schema"]["properties"]["instances"]["items"])


def single() -> dict[str, Any]:
    """The specification's example of one instance."""
    return examples(specifications.load(SPECIFICATION)["components"]["schemas"]["Instance"])


async def sweep(address: str, kind: ResourceKind, calls: Calls | None = None) -> SweepResult:
    """Sweep one kind."""
    async with account("vast", lambda_settings(), address, observer=calls) as cloud:
        return await cloud.sweep(kind, None)


def expected(told: dict[str, Any], access: Access, gpu: tuple[str, str], **more: Any) -> Observation:
    """An example in our words; `more` is what is judged of it here."""
    start = datetime.fromtimestamp(told["start_date"], UTC)
    facts = {
        "intended_status": told["intended_status"],
        "cur_state": told["cur_state"],
        "template_name": told["template_name"],
        "machine_id": str(told["machine_id"]),
        "host_id": str(told["host_id"]),
        "verification": told["verification"],
        "static_ip": told["static_ip"],
        "gpu_fraction": told["gpu_frac"],
        "gpu_memory_mb": told["gpu_ram"],
        "cpu_name": told["cpu_name"],
        "cpu_arch": told["cpu_arch"],
        "host_memory_mb": told["cpu_ram"],
        "disk_name": told["disk_name"],
    }
    return Observation(
        kind=MACHINES,
        vendor_id=str(told["id"]),
        resource_type=ResourceType.CONTAINER,
        status=ResourceStatus.RUNNING,
        vendor_status=told["actual_status"],
        region=told["geolocation"],
        created_at=start,
        name=told["label"],
        status_message=told["status_msg"],
        access=access,
        spec=Spec(
            gpu_type=gpu[0],
            gpu_family=gpu[1],
            gpu_count=told["num_gpus"],
            vcpu_count=told["cpu_cores_effective"],
            disk_gb=told["disk_space"],
            image=told["image_uuid"],
            vendor={name: value for name, value in facts.items() if value is not None},
        ),
        valid_from=start,
        valid_to=datetime.fromtimestamp(told["end_date"], UTC),
        **more,
    )


async def test_the_example_of_a_list(served: str) -> None:
    """Every value of it; Prism's token never changes, so the sweep ends as partial instead of paging for ever."""
    result = await sweep(served, MACHINES)

    told = listed()
    mapped = told["ports"]["22/tcp"][0]["HostPort"]
    address = told["public_ipaddr"]
    access = Access(address, told["local_ipaddrs"].split()[0], f"ssh root@{address} -p {mapped}", int(mapped))
    assert told["credit_discount"], "it was paid ahead: what it costs then is not told"
    terms = Terms(OfferType.CONTAINER, ContractType.RESERVED, None, None, None)
    gpu = ("nvidia-rtx-4090-24gb", "RTX 4090")
    assert (expected(told, access, gpu, price=NO_PRICE, terms=terms),) == result.observations
    assert result.problem is not None
    assert (SweepOutcome.PARTIAL, StaleReason.PARTIAL_SWEEP, 2, 0) == (
        result.outcome,
        result.problem.reason,
        result.calls,
        result.dropped,
    )
    for secret in (told["jupyter_token"], told["onstart"], "DOG"):
        assert secret not in repr(result)


async def test_the_example_of_one(served: str) -> None:
    """Every value of it, asked for by its id; the ports of that example are no mapping, so SSH goes through Vast's host."""
    told = single()
    async with account("vast", lambda_settings(), served) as cloud:
        probed = await cloud.probe(MACHINES, None, str(told["id"]))

    host, port = told["ssh_host"], told["ssh_port"]
    inner = told["local_ipaddrs"].split()[0]
    access = Access(told["public_ipaddr"], inner, f"ssh root@{host} -p {port}", port)
    rate = told["dph_total"]
    seen = expected(
        told,
        access,
        ("nvidia-rtx-a5000-24gb", "RTX A5000"),
        price=Price(rate, "USD", PriceSource.VENDOR),
        terms=Terms(OfferType.CONTAINER, ContractType.ONDEMAND, None, rate, "USD"),
    )
    assert ("found", seen) == (probed.outcome, probed.observation)
    assert rate == pytest.approx(told["dph_base"] + told["storage_total_cost"]), "what a stopped one still costs"
    assert told["jupyter_token"] not in repr(probed)


async def test_the_volume_that_prism_makes_up(served: str) -> None:
    """The specification has no example of one: its links are of no known shape, and close nothing."""
    result = await sweep(served, VOLUMES)

    (seen,) = result.observations
    assert (SweepOutcome.COMPLETE, "0", ResourceStatus.UNKNOWN, "string", NOT_REPORTED) == (
        result.outcome,
        seen.vendor_id,
        seen.status,
        seen.vendor_status,
        seen.links,
    )


async def test_a_probe_that_tells_of_another(served: str) -> None:
    """Prism answers every id with its one example: another instance is no answer."""
    async with account("vast", lambda_settings(), served) as cloud:
        probed = await cloud.probe(MACHINES, None, "7")

    assert probed.problem is not None
    assert ("failed", StaleReason.MALFORMED_ANSWER) == (probed.outcome, probed.problem.reason)


@pytest.mark.parametrize(("status", "reason"), [("401", StaleReason.AUTH_REJECTED), ("429", StaleReason.RATE_LIMITED)])
@pytest.mark.parametrize("kind", ResourceKind)
async def test_refusals(between: Forwarding, kind: ResourceKind, status: str, reason: StaleReason) -> None:
    """The documented ones, each at one call and without the key."""
    between.headers["Prefer"] = f"code={status}"
    result = await sweep(between.address, kind)

    assert result.problem is not None
    assert (SweepOutcome.FAILED, (), 1, reason) == (
        result.outcome,
        result.observations,
        result.calls,
        result.problem.reason,
    )
    assert SECRET not in result.problem.detail


async def test_exactly_what_is_called(between: Forwarding) -> None:
    """Its three paths, under the specification's own base."""
    async with account("vast", lambda_settings(), between.address) as cloud:
        for kind in ResourceKind:
            await cloud.sweep(kind, None)
        await cloud.probe(MACHINES, None, "883")

    paths = [path.partition("?")[0] for path in between.passed]
    assert ["/api/v1/instances"] * 2 + ["/api/v0/volumes", "/api/v0/instances/883"] == paths
