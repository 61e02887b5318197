"""Parsing Vast's responses, without calls: statuses, prices, terms, access, links, pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.enums import ContractType, LinkType, OfferType, PriceSource, ResourceKind, ResourceStatus
from domain.errors import (
    CredentialsRejected,
    MalformedAnswer,
    NotFoundByVendor,
    NothingReturned,
    RateLimited,
    VendorFailure,
)
from domain.records.observation import NO_PRICE, NOT_REPORTED, Access, Attachment, Observation, Price, Spec, Terms
from tests.clock import START
from tests.vendors.accounts import lambda_settings
from vendors.api_key import KeySettings
from vendors.base import Page, VendorResponse
from vendors.vast import Vast

MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES
VENDOR = Vast(KeySettings.model_validate(lambda_settings()))
RUNNING = {
    "id": 7,
    "actual_status": "running",
    "intended_status": "running",
    "cur_state": "running",
    "is_bid": False,
    "dph_total": 0.8021,
    "storage_total_cost": 0.0021,
    "gpu_name": "RTX 4090",
    "gpu_ram": 24576,
    "num_gpus": 2,
}


def read(payload: object, kind: ResourceKind = MACHINES, cursor: str | None = None) -> Page:
    """Parse a page."""
    (listing,) = VENDOR.listings(kind, None)
    return listing.read(VendorResponse(200, {}, payload, cursor=cursor))


def machine(**fields: Any) -> Observation:
    """Return one instance; keyword arguments replace its fields."""
    (observation,) = read({"instances": [RUNNING | fields]}).observations
    return observation


def volume(**fields: Any) -> Observation:
    """Return one volume."""
    (observation,) = read({"volumes": [{"id": 9} | fields]}, VOLUMES).observations
    return observation


@pytest.mark.parametrize(
    ("actual", "intended", "state", "status"),
    [
        (None, "running", "running", ResourceStatus.PROVISIONING),
        ("created", "running", "running", ResourceStatus.PROVISIONING),
        ("loading", "running", "running", ResourceStatus.PROVISIONING),
        ("rebooting", "running", "running", ResourceStatus.PROVISIONING),
        ("running", "running", "running", ResourceStatus.RUNNING),
        ("running", None, None, ResourceStatus.RUNNING),
        ("running", "stopped", "running", ResourceStatus.STOPPING),
        ("frozen", "frozen", "running", ResourceStatus.RUNNING),
        ("stopped", "stopped", "stopped", ResourceStatus.STOPPED),
        ("exited", "stopped", "stopped", ResourceStatus.STOPPED),
        ("exited", "running", "running", ResourceStatus.ERROR),
        ("unknown", "running", "running", ResourceStatus.UNKNOWN),
        ("offline", "running", "running", ResourceStatus.UNKNOWN),
        ("sleeping", "running", "running", ResourceStatus.UNKNOWN),
        ("running", "running", "unloaded", ResourceStatus.DELETING),
        (None, "stopped", "unloaded", ResourceStatus.DELETING),
        ("loading", "stopped", "running", ResourceStatus.STOPPING),
        ("created", "stopped", "stopped", ResourceStatus.STOPPED),
    ],
)
def test_statuses(actual: str | None, intended: str | None, state: str | None, status: ResourceStatus) -> None:
    """The actual status is read together with the intended one; the vendor's own text is recorded."""
    observation = machine(actual_status=actual, intended_status=intended, cur_state=state)

    assert (status, actual) == (observation.status, observation.vendor_status)


def test_missing_status_is_not_null() -> None:
    """Null is Vast's value for being provisioned; a missing or unreadable field is UNKNOWN."""
    missing = {name: value for name, value in RUNNING.items() if name != "actual_status"}
    (observation,) = read({"instances": [missing]}).observations

    assert (ResourceStatus.UNKNOWN, None) == (observation.status, observation.vendor_status)
    assert ResourceStatus.UNKNOWN is machine(actual_status=["running"]).status


@pytest.mark.parametrize(
    ("fields", "price"),
    [
        ({}, Price(0.8021, "USD", PriceSource.VENDOR)),
        ({"actual_status": "frozen"}, Price(0.8021, "USD", PriceSource.VENDOR)),
        ({"actual_status": "stopped"}, Price(0.0021, "USD", PriceSource.VENDOR)),
        ({"actual_status": "exited", "intended_status": "stopped"}, Price(0.0021, "USD", PriceSource.VENDOR)),
        ({"actual_status": "stopped", "storage_total_cost": None}, NO_PRICE),
        ({"actual_status": "exited"}, NO_PRICE),
        ({"actual_status": None}, NO_PRICE),
        ({"actual_status": "offline"}, NO_PRICE),
        ({"intended_status": "stopped"}, NO_PRICE),
        ({"dph_total": None}, NO_PRICE),
        ({"dph_total": -1}, NO_PRICE),
        ({"dph_total": 0}, Price(0, "USD", PriceSource.VENDOR)),
        ({"credit_discount": 0.37}, NO_PRICE),
        ({"credit_discount": 0.37, "actual_status": "stopped"}, Price(0.0021, "USD", PriceSource.VENDOR)),
    ],
)
def test_prices(fields: dict[str, Any], price: Price) -> None:
    """The whole price while running, the price of the disk while stopped, none where it is not documented."""
    assert price == machine(**fields).price


@pytest.mark.parametrize(
    ("fields", "contract", "rate"),
    [
        ({}, ContractType.ONDEMAND, 0.8021),
        ({"credit_discount": 0}, ContractType.ONDEMAND, 0.8021),
        ({"is_bid": True}, ContractType.SPOT, 0.8021),
        ({"is_bid": True, "credit_discount": 0.1}, ContractType.SPOT, 0.8021),
        ({"is_bid": None}, ContractType.UNKNOWN, 0.8021),
        ({"credit_discount": 0.37}, ContractType.RESERVED, None),
        ({"actual_status": "stopped"}, ContractType.ONDEMAND, 0.8021),
    ],
)
def test_terms(fields: dict[str, Any], contract: ContractType, rate: float | None) -> None:
    """A bid is spot; a rental paid in advance is reserved, at an unreported rate; a stopped instance has a running rate."""
    expected = Terms(OfferType.CONTAINER, contract, None, rate, None if rate is None else "USD")

    assert expected == machine(**fields).terms


def test_rental_period() -> None:
    """It begins with the instance; unreported times are null."""
    observation = machine(start_date=1668804745.5, end_date=1735689600.0)
    start = datetime(2022, 11, 18, 20, 52, 25, 500_000, UTC)

    assert (start, start, datetime(2025, 1, 1, tzinfo=UTC)) == (
        observation.created_at,
        observation.valid_from,
        observation.valid_to,
    )
    assert (None, None, None) == ((none := machine()).created_at, none.valid_from, none.valid_to)


PROXY = {"ssh_host": "ssh5.vast.ai", "ssh_port": 10600}
MAPPED = {"ports": {"22/tcp": [{"HostIp": "192.0.2.45", "HostPort": "20000"}]}}


@pytest.mark.parametrize(
    ("fields", "access"),
    [
        ({}, None),
        (PROXY, Access(ssh_command="ssh root@ssh5.vast.ai -p 10600", ssh_port=10600)),
        (
            PROXY | MAPPED | {"public_ipaddr": " 192.0.2.45\n"},
            Access("192.0.2.45", None, "ssh root@192.0.2.45 -p 20000", 20000),
        ),
        (PROXY | MAPPED, Access(ssh_command="ssh root@ssh5.vast.ai -p 10600", ssh_port=10600)),
        (
            PROXY | {"public_ipaddr": "192.0.2.45", "ports": {"22/tcp": [{"HostPort": "none"}]}},
            Access("192.0.2.45", None, "ssh root@ssh5.vast.ai -p 10600", 10600),
        ),
        (
            PROXY | {"public_ipaddr": "192.0.2.45", "ports": {"22/tcp": []}},
            Access("192.0.2.45", None, "ssh root@ssh5.vast.ai -p 10600", 10600),
        ),
        (PROXY | {"ports": [8080]}, Access(ssh_command="ssh root@ssh5.vast.ai -p 10600", ssh_port=10600)),
        ({"ssh_host": "$(reboot)", "ssh_port": 10600}, None),
        ({"ssh_host": "ssh5.vast.ai"}, None),
        ({"local_ipaddrs": "10.2.202.31 172.17.0.1 \n"}, Access(internal_ip="10.2.202.31")),
        ({"local_ipaddrs": " \n"}, None),
    ],
)
def test_access(fields: dict[str, Any], access: Access | None) -> None:
    """Direct if port 22 is mapped, else through Vast's host; an invalid host or port makes no command."""
    assert access == machine(**fields).access


@pytest.mark.parametrize(
    ("fields", "gpu"),
    [
        ({}, ("nvidia-rtx-4090-24gb", "RTX 4090", 2)),
        ({"gpu_name": "A100 SXM4", "gpu_ram": 81920, "num_gpus": 8}, ("nvidia-a100-sxm4-80gb", "A100", 8)),
        ({"gpu_name": "A100 SXM4", "gpu_ram": 40960}, ("nvidia-a100-sxm4-40gb", "A100", 2)),
        ({"gpu_name": "A100 SXM4", "gpu_ram": None}, ("nvidia-a100-sxm4", "A100", 2)),
        ({"gpu_name": "Thing 9000"}, ("Thing 9000", None, 2)),
        ({"gpu_name": None, "num_gpus": None}, (None, None, None)),
        ({"gpu_name": "RTX 4090", "num_gpus": 0}, (None, None, 0)),
    ],
)
def test_gpus(fields: dict[str, Any], gpu: tuple[str | None, str | None, int | None]) -> None:
    """GPUs have canonical names; the memory of one GPU decides between variants."""
    spec = machine(**fields).spec

    assert isinstance(spec, Spec)
    assert gpu == (spec.gpu_type, spec.gpu_family, spec.gpu_count)


def test_other_fields_are_not_read() -> None:
    """Tokens, environment, start scripts, load and costs so far do not change the observation."""
    other_fields = {
        "jupyter_token": "t0ken",
        "extra_env": [["DOG", "CAT"]],
        "onstart": "echo $DOG",
        "image_args": ["bash", "-c", "export KEY=secret"],
        "gpu_util": 0.7,
        "gpu_temp": 61.0,
        "cpu_util": 0.3,
        "disk_usage": 0.5,
        "duration": 86_400.5,
        "uptime_mins": 12.0,
        "client_run_time": 1.5,
        "credit_balance": 4792.9,
        "reliability2": 0.96,
        "min_bid": 0.2,
        "score": 3.5,
        "time_remaining": "12 Mon",
    }

    assert machine() == machine(**other_fields)


@pytest.mark.parametrize(
    ("fields", "links"),
    [
        ({"instances": [{"id": 7}, {"id": 8}]}, ("7", "8")),
        ({"instances": [{"id": 7}, {"id": 7}]}, ("7",)),
        ({"instances": []}, ()),
        ({}, None),
        ({"instances": None}, None),
        ({"instances": [7]}, None),
        ({"instances": [{"id": 7}, {}]}, None),
        ({"instances": [{"id": 7}, {"id": [8]}]}, None),
        ({"instances": "7"}, None),
    ],
)
def test_links(fields: dict[str, Any], links: tuple[str, ...] | None) -> None:
    """Only a list that was read completely closes links."""
    expected = (
        NOT_REPORTED if links is None else tuple(Attachment(LinkType.ATTACHED_TO, MACHINES, one) for one in links)
    )

    assert expected == volume(**fields).links


def test_status_of_a_volume() -> None:
    """No status of a volume is documented; if none is reported, a listed volume can be mounted."""
    observation = volume(status="in_use", label="data", disk_space=100, start_date=1735689600)

    assert (ResourceStatus.UNKNOWN, "in_use") == (observation.status, observation.vendor_status)
    assert ("data", datetime(2025, 1, 1, tzinfo=UTC), NO_PRICE) == (
        observation.name,
        observation.created_at,
        observation.price,
    )
    assert isinstance(observation.spec, Spec)
    assert 100 == observation.spec.disk_gb
    assert (ResourceStatus.RUNNING, None) == (volume().status, volume().vendor_status)


def test_page_tokens() -> None:
    """25 instances a page in the order of ids; the token is sent back unchanged, and the last page has none."""
    (listing,) = VENDOR.listings(MACHINES, None)
    first, second = listing.request(None), listing.request("eyJ2")

    assert ("25", '[{"col":"id","dir":"asc"}]') == (dict(first.query)["limit"], dict(first.query)["order_by"])
    assert (*first.query, ("after_token", "eyJ2")) == second.query
    assert "eyJ2" == read({"instances": [RUNNING], "next_token": "eyJ2"}).cursor
    assert None is read({"instances": [], "next_token": None}).cursor


def test_total_of_one_page() -> None:
    """Pages continue after an id: an instance that was destroyed while pages were read is rightly missing."""
    assert 42 == read({"instances": [RUNNING], "total_instances": 42}).total
    assert None is read({"instances": [RUNNING], "total_instances": 42, "next_token": "eyJ2"}).total
    assert None is read({"instances": [RUNNING], "total_instances": 42}, cursor="eyJ2").total


@pytest.mark.parametrize(
    "payload", [{}, {"instances": None}, {"instances": {}}, {"instances": [1]}, {"instances": [{}]}, [], None]
)
def test_missing_list_is_malformed(payload: object) -> None:
    """Without a list of objects with ids the response is malformed."""
    with pytest.raises(MalformedAnswer):
        read(payload)


@pytest.mark.parametrize(
    "payload", [{}, {"instances": "gone"}, {"instances": [{"id": 7}]}, {"instances": {"id": None}}]
)
def test_a_probe_without_the_instance_is_malformed(payload: object) -> None:
    """A 200 of another shape is malformed."""
    with pytest.raises(MalformedAnswer):
        VENDOR.read_probe(MACHINES, None, "7", VendorResponse(200, {}, payload))


@pytest.mark.parametrize("nothing", [None, [], {}])
def test_a_probe_with_nothing_in_place_of_the_instance(nothing: object) -> None:
    """For a destroyed instance, Vast answers 200 with null."""
    with pytest.raises(NothingReturned):
        VENDOR.read_probe(MACHINES, None, "7", VendorResponse(200, {}, {"instances": nothing}))


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (404, '{"success": false, "error": "no_such_instance", "msg": "No such instance."}', NotFoundByVendor),
        (404, '{"success": false, "error": "no_such_user"}', MalformedAnswer),
        (404, "<html>Not found</html>", None),
        (404, '{"detail": "Not Found"}', None),
        (401, '{"success": false, "error": "auth_error", "msg": "Invalid user key"}', CredentialsRejected),
        (400, '{"error": "invalid_token", "msg": "after_token"}', MalformedAnswer),
        (429, "API requests too frequent: endpoint threshold=1.0", None),
        (429, '{"error": "search_quota_exceeded"}', RateLimited),
    ],
)
def test_failures(status: int, body: str, failure: type[VendorFailure] | None) -> None:
    """The vendor's error code decides if there is one; a plain text is left to the status."""
    request = VENDOR.probe_request(MACHINES, None, "7")
    assert request is not None
    result = VENDOR.read_failure(request, status, {}, body, START)

    assert failure is (None if result is None else type(result))


def test_not_found_for_a_listing_is_malformed() -> None:
    """Only the response to a probe is about one instance."""
    (listing,) = VENDOR.listings(MACHINES, None)
    failure = VENDOR.read_failure(listing.request(None), 404, {}, '{"error": "no_such_instance"}', START)

    assert isinstance(failure, MalformedAnswer)


def test_called_paths() -> None:
    """Three paths, all of which only read."""
    calls = [listing.request(None) for kind in ResourceKind for listing in VENDOR.listings(kind, None)]
    probe = VENDOR.probe_request(MACHINES, None, "7")
    assert probe is not None

    assert ["/v1/instances", "/v0/volumes", "/v0/instances/7"] == [call.path for call in (*calls, probe)]
    assert {"GET"} == {call.method for call in (*calls, probe)}
    assert None is VENDOR.probe_request(VOLUMES, None, "9")


def test_an_outbid_instance_is_stopped() -> None:
    """It is meant to run, and does not because another one pays more. It costs its storage."""
    outbid = machine(actual_status="exited", intended_status="running", cur_state="stopped", is_bid=True)
    assert (ResourceStatus.STOPPED, Price(0.0021, "USD", PriceSource.VENDOR)) == (outbid.status, outbid.price)
    failed = machine(actual_status="exited", intended_status="running", cur_state="stopped", is_bid=False)
    assert ResourceStatus.ERROR is failed.status


@pytest.mark.parametrize(
    ("mode", "ports", "command"),
    [
        ("ssh_proxy", None, "ssh root@ssh5.vast.ai -p 12345"),
        ("jupyter_proxy ssh_proxy", None, "ssh root@ssh5.vast.ai -p 12346"),
        (
            "jupyter_direc ssh_direc",
            {"22/tcp": [{"HostIp": "::", "HostPort": "40022"}]},
            "ssh root@192.0.2.9 -p 40022",
        ),
    ],
)
def test_the_launch_mode_decides_about_ssh(mode: str, ports: object, command: str) -> None:
    """In Jupyter mode the proxy's port for SSH is the next one. Only a running instance accepts a connection."""
    fields = {"image_runtype": mode, "ssh_host": "ssh5.vast.ai", "ssh_port": 12345, "ports": ports}
    running = machine(public_ipaddr="192.0.2.9", **fields)
    assert isinstance(running.access, Access)
    assert running.access.ssh_command == command
    stopped = machine(public_ipaddr="192.0.2.9", actual_status="stopped", **fields)
    assert stopped.access == Access("192.0.2.9", None)
