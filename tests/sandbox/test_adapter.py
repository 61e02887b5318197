"""The sandbox adapter against the simulated cloud, through the shared transport."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from domain.enums import (
    ContractType,
    LinkType,
    OfferType,
    PriceSource,
    ResourceKind,
    ResourceStatus,
    ResourceType,
    StaleReason,
)
from domain.errors import ConfigurationError, MalformedAnswer
from domain.records.observation import NO_PRICE, Access, Attachment, Observation, Price, Spec, SweepOutcome, Terms
from sandbox.faults import FaultKind, Pages
from sandbox.http.server import SandboxServer
from sandbox.operations import ApiOperation
from sandbox.resources import MachineStatus, VolumeStatus
from sandbox.world import World
from tests.clock import ManualClock
from tests.sandbox.tenants import EAST, EAST_KEY, WEST, attached_pair, machine_in, spot_machine
from vendors import registry
from vendors.client.cloud import VendorCloud
from vendors.client.transport import TransportLimits
from vendors.sandbox import MACHINE_STATUS, VOLUME_STATUS, Sandbox

QUICK = TransportLimits(read_seconds=0.3, retries=0)
MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES


@pytest.fixture
async def cloud(server: SandboxServer, clock: ManualClock) -> AsyncIterator[VendorCloud]:
    """The first tenant's account, as the reconciler uses it."""
    settings = {"credentials": {"api_key": EAST_KEY}}
    account = registry.build("sandbox", "east", settings, server.url, clock=clock, limits=QUICK)
    yield account
    await account.close()


async def _sweep(cloud: VendorCloud, kind: ResourceKind) -> dict[str, Observation]:
    result = await cloud.sweep(kind, None)
    assert (SweepOutcome.COMPLETE, None, 0) == (result.outcome, result.problem, result.dropped)
    return {observation.vendor_id: observation for observation in result.observations}


def test_every_documented_status_is_mapped() -> None:
    """The maps have exactly the words that the sandbox documents."""
    assert set(MachineStatus) == set(MACHINE_STATUS)
    assert set(VolumeStatus) == set(VOLUME_STATUS)


def test_one_listing_of_each_kind_is_complete(server: SandboxServer, clock: ManualClock) -> None:
    """There are two scopes without a region, both kinds can be probed, and machines own the links."""
    account = registry.build("sandbox", "e", {"credentials": {"api_key": "k"}}, server.url, clock=clock)

    assert ((MACHINES, None), (VOLUMES, None)) == account.scopes
    assert (True, True, MACHINES) == (account.probes(MACHINES), account.probes(VOLUMES), account.links_owner)
    assert 1 == account.sweep_calls(MACHINES)


async def test_a_machine_is_observed_completely(cloud: VendorCloud, world: World) -> None:
    """The observation has the status, access, price, terms, creation time and region of each machine."""
    observations = await _sweep(cloud, MACHINES)

    assert {m.machine_id for m in world.machines(EAST)} == set(observations)
    for machine in world.machines(EAST):
        observation = observations[machine.machine_id]
        is_running = machine.status == "running"
        port = "" if machine.ssh_port == 22 else f" -p {machine.ssh_port}"
        command = f"ssh {machine.ssh_user}@{machine.public_ip}{port}"
        access = Access(machine.public_ip, machine.private_ip, command, machine.ssh_port)
        assert (ResourceStatus[machine.status.upper()], machine.status) == (
            observation.status,
            observation.vendor_status,
        )
        assert (access if is_running else Access(internal_ip=machine.private_ip)) == observation.access
        assert Price(machine.current_hourly, "USD", PriceSource.VENDOR) == observation.price
        form, contract = machine.sku.form.upper(), ContractType[machine.contract.upper()]
        assert Terms(OfferType[form], contract, machine.sku.name, machine.hourly, "USD") == observation.terms
        identity = (observation.resource_type, observation.region, observation.name)
        assert (ResourceType[form], machine.region, machine.name) == identity
        assert (machine.created_at, machine.term_ends_at) == (observation.created_at, observation.valid_to)


_GPUS = {
    "H100 SXM": ("nvidia-h100-sxm5-80gb", "H100"),
    "H200 SXM": ("nvidia-h200-sxm5-141gb", "H200"),
    "A100 80GB": ("nvidia-a100-80gb", "A100"),
    "L40S": ("nvidia-l40s-48gb", "L40S"),
    "RTX 4090": ("nvidia-rtx-4090-24gb", "RTX 4090"),
    "B200": ("nvidia-b200-sxm6-180gb", "B200"),
    None: (None, None),
}


async def test_hardware_has_normalized_names(cloud: VendorCloud, world: World) -> None:
    """GPU names follow the gateway's own table; processors, memory, disk, sku and image are copied."""
    machine = machine_in(world, "running")

    spec = (await _sweep(cloud, MACHINES))[machine.machine_id].spec

    sku = machine.sku
    gpu_type, gpu_family = _GPUS[sku.gpu_model]
    assert spec == Spec(
        gpu_type=gpu_type,
        gpu_family=gpu_family,
        gpu_count=sku.gpu_count,
        vcpu_count=sku.vcpus,
        memory_gb=sku.memory_gb,
        disk_gb=sku.disk_gb,
        vendor_sku=sku.name,
        image=machine.image,
        vendor={"contract": machine.contract, "gpu_memory_gb": sku.gpu_memory_gb},
    )


async def test_machines_report_links_and_volumes_do_not(cloud: VendorCloud, world: World) -> None:
    """A machine reports its attachments with their times, or none; a volume does not report links at all."""
    machine, volume = attached_pair(world)
    bare = next(m for m in world.machines(EAST) if not m.attachments)

    machines, volumes = await _sweep(cloud, MACHINES), await _sweep(cloud, VOLUMES)

    since = {a.volume_id: a.attached_at for a in machine.attachments}[volume.volume_id]
    links = machines[machine.machine_id].links
    assert isinstance(links, tuple)
    assert Attachment(LinkType.ATTACHED_STORAGE, VOLUMES, volume.volume_id, since) in links
    assert () == machines[bare.machine_id].links
    assert "NOT_REPORTED" == repr(volumes[volume.volume_id].links)


async def test_a_volume_is_observed_completely(cloud: VendorCloud, world: World) -> None:
    """The observation has the form, price and terms. The status is RUNNING, whether the volume is attached or not."""
    observations = await _sweep(cloud, VOLUMES)

    for volume in world.volumes(EAST):
        observation = observations[volume.volume_id]
        form = {"block": ResourceType.BLOCK_DISK, "shared": ResourceType.FILESYSTEM}[volume.form]
        terms = Terms(OfferType.STORAGE, ContractType.ONDEMAND, volume.form, volume.hourly, "USD")
        assert (form, ResourceStatus.RUNNING) == (observation.resource_type, observation.status)
        assert volume.status == observation.vendor_status
        assert (Price(volume.hourly, "USD", PriceSource.VENDOR), terms) == (observation.price, observation.terms)


async def test_an_undocumented_status_is_reported(cloud: VendorCloud, world: World) -> None:
    """The status is UNKNOWN, with the vendor's own word next to it and without a price."""
    machine = machine_in(world, "running")
    world.set_status(EAST, machine.machine_id, "hibernating")

    observation = (await _sweep(cloud, MACHINES))[machine.machine_id]

    assert (ResourceStatus.UNKNOWN, "hibernating") == (observation.status, observation.vendor_status)
    assert NO_PRICE == observation.price


async def test_an_announced_reclaim_ends_the_validity(cloud: VendorCloud, world: World, clock: ManualClock) -> None:
    """`valid_to` of a spot machine is the announced time of its reclaim."""
    spot = spot_machine(world)
    world.announce_reclaim(EAST, spot.machine_id, 30)

    observation = (await _sweep(cloud, MACHINES))[spot.machine_id]

    assert clock.now() + timedelta(seconds=30) == observation.valid_to


async def test_volatile_and_secret_fields_are_not_observed(cloud: VendorCloud, clock: ManualClock) -> None:
    """Utilisation and cost change in the response but not in the observation, which also lacks the console token."""
    before = await _sweep(cloud, MACHINES)
    clock.advance(1000)
    after = await _sweep(cloud, MACHINES)

    assert before == after
    assert "console" not in repr(after)


async def test_a_probe_returns_the_resource_or_its_absence(cloud: VendorCloud, world: World) -> None:
    """A probe returns the same observation as a sweep, and `gone` for a resource that has vanished."""
    machine, volume = attached_pair(world)
    swept = await _sweep(cloud, MACHINES)

    present = await cloud.probe(MACHINES, None, machine.machine_id)
    world.vanish_machine(EAST, machine.machine_id)
    world.vanish_volume(EAST, volume.volume_id)
    gone = await cloud.probe(MACHINES, None, machine.machine_id)

    assert ("found", swept[machine.machine_id]) == (present.outcome, present.observation)
    assert ("gone", "gone") == (gone.outcome, (await cloud.probe(VOLUMES, None, volume.volume_id)).outcome)
    assert "gone" == (await cloud.probe(MACHINES, None, "m-0?limit=1#x")).outcome


async def test_a_generic_404_does_not_prove_absence(cloud: VendorCloud, server: SandboxServer, world: World) -> None:
    """A web server's 404 and a 404 for the other kind are malformed answers."""
    server.faults.switch_on(FaultKind.NOT_FOUND, operation=ApiOperation.GET_MACHINE)

    result = await cloud.probe(MACHINES, None, "m-0")

    assert ("failed", StaleReason.MALFORMED_ANSWER) == (result.outcome, result.problem and result.problem.reason)
    volume_error = '{"error": {"code": "no_such_volume"}}'
    vendor = Sandbox(Sandbox.settings_type.model_validate({"credentials": {"api_key": "k"}}))
    request = vendor.probe_request(MACHINES, None, "m-0")
    assert request is not None
    assert isinstance(vendor.read_failure(request, 404, {}, volume_error, world.now()), MalformedAnswer)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (FaultKind.RATE_LIMITED, StaleReason.RATE_LIMITED),
        (FaultKind.SERVER_ERROR, StaleReason.VENDOR_DOWN),
        (FaultKind.UNAVAILABLE, StaleReason.VENDOR_DOWN),
        (FaultKind.RESET, StaleReason.VENDOR_DOWN),
        (FaultKind.CUT_BODY, StaleReason.VENDOR_DOWN),
        (FaultKind.FORBIDDEN, StaleReason.AUTH_REJECTED),
        (FaultKind.UNAUTHORIZED, StaleReason.AUTH_REJECTED),
        (FaultKind.NOT_FOUND, StaleReason.MALFORMED_ANSWER),
        (FaultKind.REDIRECT, StaleReason.MALFORMED_ANSWER),
        (FaultKind.HTML, StaleReason.MALFORMED_ANSWER),
        (FaultKind.CUT_JSON, StaleReason.MALFORMED_ANSWER),
        (FaultKind.NULL_LIST, StaleReason.MALFORMED_ANSWER),
        (FaultKind.EMPTY_OBJECT, StaleReason.MALFORMED_ANSWER),
        (FaultKind.NULL_BODY, StaleReason.MALFORMED_ANSWER),
        (FaultKind.STALL, StaleReason.TIMED_OUT),
    ],
)
async def test_no_fault_looks_like_an_empty_account(
    cloud: VendorCloud, server: SandboxServer, kind: FaultKind, reason: StaleReason
) -> None:
    """Each fault fails the sweep with its own reason, and never looks like a complete listing."""
    server.faults.switch_on(kind)

    result = await cloud.sweep(MACHINES, None)

    assert (SweepOutcome.FAILED, reason) == (result.outcome, result.problem and result.problem.reason)
    assert () == result.observations


async def test_a_trickling_body_times_out(server: SandboxServer, clock: ManualClock) -> None:
    """Each byte arrives within the read timeout, but the whole call exceeds its limit."""
    limits = TransportLimits(read_seconds=10, call_seconds=0.3, retries=0)
    cloud = registry.build(
        "sandbox", "east", {"credentials": {"api_key": EAST_KEY}}, server.url, clock=clock, limits=limits
    )
    server.faults.switch_on(FaultKind.TRICKLE, seconds=0.01)

    result = await cloud.sweep(MACHINES, None)
    await cloud.close()

    assert (SweepOutcome.FAILED, StaleReason.TIMED_OUT) == (result.outcome, result.problem and result.problem.reason)


async def test_a_listing_that_fails_after_the_first_page_is_partial(
    server: SandboxServer, world: World, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resources of the correct pages are returned, also if a cursor repeats forever."""
    monkeypatch.setattr(Sandbox, "page_size", 2)
    cloud = registry.build(
        "sandbox", "east", {"credentials": {"api_key": EAST_KEY}}, server.url, clock=clock, limits=QUICK
    )
    fault = server.faults.switch_on(FaultKind.SERVER_ERROR, pages=Pages.LATER)
    broken = await cloud.sweep(MACHINES, None)
    server.faults.switch_off(fault.fault_id)
    server.faults.switch_on(FaultKind.REPEATED_CURSOR)
    endless = await cloud.sweep(MACHINES, None)
    server.faults.switch_off_all()
    whole = await cloud.sweep(MACHINES, None)
    await cloud.close()

    assert (SweepOutcome.PARTIAL, 2) == (broken.outcome, len(broken.observations))
    assert (SweepOutcome.PARTIAL, 4) == (endless.outcome, len(endless.observations))
    assert (SweepOutcome.COMPLETE, len(world.machines(EAST)), 3) == (
        whole.outcome,
        len(whole.observations),
        whole.calls,
    )


async def test_refused_connections_fail_as_vendor_down(cloud: VendorCloud, server: SandboxServer) -> None:
    """The sweep fails, and the next one after the server accepts connections again is complete."""
    await server.refuse()
    failed = await cloud.sweep(VOLUMES, None)
    await server.accept()
    recovered = await cloud.sweep(VOLUMES, None)

    assert (SweepOutcome.FAILED, StaleReason.VENDOR_DOWN) == (failed.outcome, failed.problem and failed.problem.reason)
    assert SweepOutcome.COMPLETE == recovered.outcome


async def test_the_cloud_and_the_adapter_count_the_same_calls(cloud: VendorCloud, server: SandboxServer) -> None:
    """The cloud's count for this tenant equals the calls in the results, and the other tenant has none."""
    results = [await cloud.sweep(kind, None) for kind in ResourceKind]
    probe = await cloud.probe(MACHINES, None, "m-0")

    assert server.journal.count(EAST) == sum(result.calls for result in results) + probe.calls
    assert 0 == server.journal.count(WEST)
    assert 1 == server.journal.sweeps(EAST, ApiOperation.LIST_MACHINES)


def test_a_setting_error_does_not_show_the_value(clock: ManualClock) -> None:
    """A missing API key and an unknown setting are configuration errors."""
    for settings in ({}, {"credentials": {"api_key": "secret-1", "apikey": "secret-2"}}):
        with pytest.raises(ConfigurationError, match="account 'east'") as error:
            registry.build("sandbox", "east", settings, "http://127.0.0.1:1", clock=clock)
        assert "secret" not in str(error.value)
