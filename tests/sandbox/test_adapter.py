"""The sandbox's vendor file against the simulated cloud, through the shared transport."""

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
from sandbox.operations import Operation
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
    """The first tenant as the reconciler sees it."""
    settings = {"credentials": {"api_key": EAST_KEY}}
    built = registry.build("sandbox", "east", settings, server.url, clock=clock, limits=QUICK)
    yield built
    await built.close()


async def _seen(cloud: VendorCloud, kind: ResourceKind) -> dict[str, Observation]:
    result = await cloud.sweep(kind, None)
    assert (SweepOutcome.COMPLETE, None, 0) == (result.outcome, result.problem, result.dropped)
    return {observation.vendor_id: observation for observation in result.observations}


def test_every_documented_status_has_a_word_of_ours() -> None:
    """The maps know exactly the words that the sandbox documents."""
    assert set(MachineStatus) == set(MACHINE_STATUS)
    assert set(VolumeStatus) == set(VOLUME_STATUS)


def test_one_listing_of_each_kind_tells_all(server: SandboxServer, clock: ManualClock) -> None:
    """Two scopes without a region; both kinds can be probed; machines own the links."""
    built = registry.build("sandbox", "e", {"credentials": {"api_key": "k"}}, server.url, clock=clock)

    assert ((MACHINES, None), (VOLUMES, None)) == built.scopes
    assert (True, True, MACHINES) == (built.probes(MACHINES), built.probes(VOLUMES), built.links_owner)
    assert 1 == built.sweep_calls(MACHINES)


async def test_every_machine_is_observed_as_it_is(cloud: VendorCloud, world: World) -> None:
    """Status, access, hardware, price, terms, creation and region of each."""
    seen = await _seen(cloud, MACHINES)

    assert {m.machine_id for m in world.machines(EAST)} == set(seen)
    for machine in world.machines(EAST):
        told = seen[machine.machine_id]
        up = machine.status == "running"
        port = "" if machine.ssh_port == 22 else f" -p {machine.ssh_port}"
        command = f"ssh {machine.ssh_user}@{machine.public_ip}{port}"
        access = Access(machine.public_ip, machine.private_ip, command, machine.ssh_port)
        assert (ResourceStatus[machine.status.upper()], machine.status) == (told.status, told.vendor_status)
        assert (access if up else Access(internal_ip=machine.private_ip)) == told.access
        assert Price(machine.rate_now, "USD", PriceSource.VENDOR) == told.price
        form, contract = machine.sku.form.upper(), ContractType[machine.contract.upper()]
        assert Terms(OfferType[form], contract, machine.sku.name, machine.hourly, "USD") == told.terms
        assert (ResourceType[form], machine.region, machine.name) == (told.resource_type, told.region, told.name)
        assert (machine.created_at, machine.term_ends_at) == (told.created_at, told.valid_to)


_GPUS = {
    "H100 SXM": ("nvidia-h100-sxm5-80gb", "H100"),
    "H200 SXM": ("nvidia-h200-sxm5-141gb", "H200"),
    "A100 80GB": ("nvidia-a100-80gb", "A100"),
    "L40S": ("nvidia-l40s-48gb", "L40S"),
    "RTX 4090": ("nvidia-rtx-4090-24gb", "RTX 4090"),
    "B200": ("nvidia-b200-sxm6-180gb", "B200"),
    None: (None, None),
}


async def test_hardware_has_the_common_names(cloud: VendorCloud, world: World) -> None:
    """GPU, processors, memory, disk, sku and image."""
    machine = machine_in(world, "running")

    told = (await _seen(cloud, MACHINES))[machine.machine_id].spec

    sku = machine.sku
    gpu_type, gpu_family = _GPUS[sku.gpu_model]
    assert told == Spec(
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


async def test_machines_tell_the_links_and_volumes_none(cloud: VendorCloud, world: World) -> None:
    """An attachment with its time on the machine; a machine without one says so; a volume says nothing."""
    machine, volume = attached_pair(world)
    bare = next(m for m in world.machines(EAST) if not m.attachments)

    machines, volumes = await _seen(cloud, MACHINES), await _seen(cloud, VOLUMES)

    since = {a.volume_id: a.attached_at for a in machine.attachments}[volume.volume_id]
    links = machines[machine.machine_id].links
    assert isinstance(links, tuple)
    assert Attachment(LinkType.ATTACHED_STORAGE, VOLUMES, volume.volume_id, since) in links
    assert () == machines[bare.machine_id].links
    assert "NOT_REPORTED" == repr(volumes[volume.volume_id].links)


async def test_every_volume_is_observed_as_it_is(cloud: VendorCloud, world: World) -> None:
    """Form, size, price and terms; in use or not, it runs."""
    seen = await _seen(cloud, VOLUMES)

    for volume in world.volumes(EAST):
        told = seen[volume.volume_id]
        form = {"block": ResourceType.BLOCK_DISK, "shared": ResourceType.FILESYSTEM}[volume.form]
        terms = Terms(OfferType.STORAGE, ContractType.ONDEMAND, volume.form, volume.hourly, "USD")
        assert (form, ResourceStatus.RUNNING, volume.status) == (told.resource_type, told.status, told.vendor_status)
        assert (Price(volume.hourly, "USD", PriceSource.VENDOR), terms) == (told.price, told.terms)


async def test_an_undocumented_status_is_data(cloud: VendorCloud, world: World) -> None:
    """The word is kept beside `unknown`, and its price is not known."""
    machine = machine_in(world, "running")
    world.set_status(EAST, machine.machine_id, "hibernating")

    told = (await _seen(cloud, MACHINES))[machine.machine_id]

    assert (ResourceStatus.UNKNOWN, "hibernating", NO_PRICE) == (told.status, told.vendor_status, told.price)


async def test_an_announced_reclaim_is_the_end_of_validity(
    cloud: VendorCloud, world: World, clock: ManualClock
) -> None:
    """`valid_to` of a spot machine that is to be taken back."""
    spot = spot_machine(world)
    world.announce_reclaim(EAST, spot.machine_id, 30)

    told = (await _seen(cloud, MACHINES))[spot.machine_id]

    assert clock.now() + timedelta(seconds=30) == told.valid_to


async def test_nothing_changes_while_nothing_is_done(cloud: VendorCloud, clock: ManualClock) -> None:
    """Utilisation and cost so far change in the answer and not in what is observed; the console's token is nowhere."""
    before = await _seen(cloud, MACHINES)
    clock.advance(1000)
    after = await _seen(cloud, MACHINES)

    assert before == after
    assert "console" not in repr(after)


async def test_a_probe_finds_or_hears_that_there_is_none(cloud: VendorCloud, world: World) -> None:
    """A probe tells what a sweep tells; a vanished thing is gone in the cloud's own words."""
    machine, volume = attached_pair(world)
    swept = await _seen(cloud, MACHINES)

    found = await cloud.probe(MACHINES, None, machine.machine_id)
    world.vanish_machine(EAST, machine.machine_id)
    world.vanish_volume(EAST, volume.volume_id)
    gone = await cloud.probe(MACHINES, None, machine.machine_id)

    assert ("found", swept[machine.machine_id]) == (found.outcome, found.observation)
    assert ("gone", "gone") == (gone.outcome, (await cloud.probe(VOLUMES, None, volume.volume_id)).outcome)
    assert "gone" == (await cloud.probe(MACHINES, None, "m-0?limit=1#x")).outcome


async def test_a_generic_404_is_no_witness(cloud: VendorCloud, server: SandboxServer, world: World) -> None:
    """A 404 of a web server says nothing about the machine, nor does one in the words for another kind."""
    server.faults.switch_on(FaultKind.NOT_FOUND, operation=Operation.GET_MACHINE)

    result = await cloud.probe(MACHINES, None, "m-0")

    assert ("failed", StaleReason.MALFORMED_ANSWER) == (result.outcome, result.problem and result.problem.reason)
    volume_words = '{"error": {"code": "no_such_volume"}}'
    vendor = Sandbox(Sandbox.settings_type.model_validate({"credentials": {"api_key": "k"}}))
    request = vendor.probe_request(MACHINES, None, "m-0")
    assert isinstance(vendor.read_failure(request, 404, {}, volume_words, world.now()), MalformedAnswer)


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
        (FaultKind.STALL, StaleReason.TIMED_OUT),
    ],
)
async def test_no_fault_reads_as_an_empty_account(
    cloud: VendorCloud, server: SandboxServer, kind: FaultKind, reason: StaleReason
) -> None:
    """Each fault fails the sweep with its reason; none of them is a complete listing."""
    server.faults.switch_on(kind)

    result = await cloud.sweep(MACHINES, None)

    assert (SweepOutcome.FAILED, reason) == (result.outcome, result.problem and result.problem.reason)
    assert () == result.observations


async def test_a_body_of_a_byte_at_a_time_is_not_waited_for(server: SandboxServer, clock: ManualClock) -> None:
    """Each byte comes well within the read timeout; the whole call does not."""
    limits = TransportLimits(read_seconds=10, call_seconds=0.3, retries=0)
    cloud = registry.build(
        "sandbox", "east", {"credentials": {"api_key": EAST_KEY}}, server.url, clock=clock, limits=limits
    )
    server.faults.switch_on(FaultKind.TRICKLE, seconds=0.01)

    result = await cloud.sweep(MACHINES, None)
    await cloud.close()

    assert (SweepOutcome.FAILED, StaleReason.TIMED_OUT) == (result.outcome, result.problem and result.problem.reason)


async def test_a_listing_that_breaks_in_the_middle_is_partial(
    server: SandboxServer, world: World, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the good pages told is kept; the sweep is not complete. So it is with a cursor that never moves."""
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


async def test_refused_connections_are_a_vendor_that_is_down(cloud: VendorCloud, server: SandboxServer) -> None:
    """No connection fails the sweep, and the next one after the cloud is back is complete."""
    await server.refuse()
    down = await cloud.sweep(VOLUMES, None)
    await server.accept()
    back = await cloud.sweep(VOLUMES, None)

    assert (SweepOutcome.FAILED, StaleReason.VENDOR_DOWN) == (down.outcome, down.problem and down.problem.reason)
    assert SweepOutcome.COMPLETE == back.outcome


async def test_the_cloud_counts_what_we_claim_to_have_called(cloud: VendorCloud, server: SandboxServer) -> None:
    """The double's own count equals the calls of the results, for this tenant alone."""
    results = [await cloud.sweep(kind, None) for kind in ResourceKind]
    probe = await cloud.probe(MACHINES, None, "m-0")

    assert server.journal.count(EAST) == sum(result.calls for result in results) + probe.calls
    assert 0 == server.journal.count(WEST)
    assert 1 == server.journal.sweeps(EAST, Operation.LIST_MACHINES)


def test_a_wrong_setting_is_told_without_its_value(clock: ManualClock) -> None:
    """A missing key and an unknown one are configuration errors."""
    for settings in ({}, {"credentials": {"api_key": "secret-1", "apikey": "secret-2"}}):
        with pytest.raises(ConfigurationError, match="account 'east'") as told:
            registry.build("sandbox", "east", settings, "http://127.0.0.1:1", clock=clock)
        assert "secret" not in str(told.value)
