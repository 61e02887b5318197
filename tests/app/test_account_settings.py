"""Settings of an account, from the configuration file to the calls at the cloud."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from domain.enums import ResourceKind, StaleReason
from domain.errors import ConfigurationError
from domain.records.observation import SweepOutcome
from supplygraph.config.load import load
from supplygraph.gateway import assemble
from tests.vendors.loopback import Loopback, Reply, answer, loopback
from vendors.client.cloud import VendorCloud
from vendors.client.transport import TransportLimits

EMPTY, REFUSED = answer(b'{"data": []}'), answer(b'{"error": {"code": "global/invalid-api-key"}}', 401)
MACHINES = (ResourceKind.MACHINES, None)
ACCOUNT = """\
[[accounts]]
name = "lab"
vendor = "{vendor}"
endpoint = "{endpoint}"
{more}
[accounts.credentials]
api_key = "file:key"
"""


class Lab:
    """A folder with a configuration and a key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write_key("first-key")

    def write_key(self, key: str) -> None:
        """Replace the key in its file."""
        (self.folder / "key").write_text(key)

    async def run(
        self,
        flight: Callable[[VendorCloud, Loopback], Awaitable[None]],
        *script: Reply,
        more: str = "",
        vendor: str = "lambda",
    ) -> None:
        """Serve a script, and run a flight at the account that the configuration describes."""
        async with loopback(*script) as server:
            text = ACCOUNT.format(vendor=vendor, endpoint=server.address, more=more)
            (self.folder / "supplygraph.toml").write_text(text)
            gateway = assemble(load(None, {}, self.folder).settings)
            try:
                await flight(gateway.clouds["lab"], server)
            finally:
                await gateway.clouds["lab"].close()
                await gateway.queries.close()
                await gateway.database.close()


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A laboratory in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Lab(tmp_path)


def keys(server: Loopback) -> list[str]:
    """Return the keys that the calls carried."""
    return [
        line.rpartition(b" ")[2].decode()
        for request in server.requests
        for line in request.split(b"\r\n")
        if line.lower().startswith(b"authorization:")
    ]


async def test_changed_secret_file_is_used_after_a_refusal(lab: Lab) -> None:
    """The refused call is repeated once with the new key, and the fingerprint is the new key's."""

    async def flight(cloud: VendorCloud, server: Loopback) -> None:
        before = cloud.fingerprint
        lab.write_key("second-key\n")

        result = await cloud.sweep(*MACHINES)

        assert (SweepOutcome.COMPLETE, 2) == (result.outcome, result.calls)
        assert ["first-key", "second-key"] == keys(server)
        assert before("salt") != cloud.fingerprint("salt")
        await cloud.sweep(*MACHINES)
        assert keys(server)[2:] == ["second-key"]

    await lab.run(flight, REFUSED, EMPTY)


@pytest.mark.parametrize("content", ["first-key", "", "two\nlines", "sp ace"])
async def test_unchanged_or_unusable_secret_file_ends_the_flight(lab: Lab, content: str) -> None:
    """Without another usable key the refusal stands, after one call."""

    async def flight(cloud: VendorCloud, server: Loopback) -> None:
        lab.write_key(content)

        result = await cloud.sweep(*MACHINES)

        assert result.problem is not None
        assert StaleReason.AUTH_REJECTED is result.problem.reason
        assert ["first-key"] == keys(server)

    await lab.run(flight, REFUSED)


async def test_new_key_that_is_refused_too(lab: Lab) -> None:
    """There is no loop: a flight calls at most twice, also if the file changes all the time."""

    async def flight(cloud: VendorCloud, server: Loopback) -> None:
        lab.write_key("second-key")

        result = await cloud.sweep(*MACHINES)

        assert SweepOutcome.FAILED is result.outcome
        assert ["first-key", "second-key"] == keys(server)

    await lab.run(flight, REFUSED)


async def test_two_refused_flights_share_the_new_key(lab: Lab) -> None:
    """Each flight that the old key failed is repeated, although only one of them reads the file."""

    async def flight(cloud: VendorCloud, server: Loopback) -> None:
        lab.write_key("second-key")

        results = await asyncio.gather(*(cloud.sweep(*scope) for scope in cloud.scopes))

        assert [SweepOutcome.COMPLETE] * 2 == [result.outcome for result in results]
        assert ["first-key", "first-key", "second-key", "second-key"] == sorted(keys(server))

    await lab.run(flight, REFUSED, REFUSED, EMPTY)


async def test_filter_does_not_cause_a_renewal(lab: Lab) -> None:
    """A web page with 403 says nothing about the key."""

    async def flight(cloud: VendorCloud, server: Loopback) -> None:
        lab.write_key("second-key")
        await cloud.sweep(*MACHINES)
        assert ["first-key"] == keys(server)

    await lab.run(flight, answer(b"<html>Access denied</html>", 403))


@pytest.mark.parametrize(
    ("more", "kinds"),
    [
        ("", ["MACHINES", "VOLUMES"]),
        ('kinds = ["machines"]', ["MACHINES"]),
        ('kinds = ["volumes"]', ["VOLUMES"]),
        ('kinds = ["volumes", "machines"]', ["MACHINES", "VOLUMES"]),
    ],
)
async def test_kinds(lab: Lab, more: str, kinds: list[str]) -> None:
    """A kind that is left out is not a scope of the account."""

    async def flight(cloud: VendorCloud, server: Loopback) -> None:
        assert kinds == [kind.value for kind, _ in cloud.scopes]
        assert cloud.remaining() is not None

    await lab.run(flight, EMPTY, more=more)


@pytest.mark.parametrize(("value", "words"), [("[]", "at least 1"), ('["disks"]', "machines")])
async def test_invalid_kinds(lab: Lab, value: str, words: str) -> None:
    """No kind at all and an unknown kind are mistakes."""

    async def flight(cloud: VendorCloud, server: Loopback) -> None:
        raise AssertionError

    with pytest.raises(ConfigurationError, match=r"kinds") as caught:
        await lab.run(flight, EMPTY, more=f"kinds = {value}")

    assert words in str(caught.value)


async def test_answer_size(lab: Lab) -> None:
    """The size of an answer follows the setting, and the failure names it."""
    large = answer(b'{"data": [], "padding": "' + b"x" * 200_000 + b'"}')

    async def fails(cloud: VendorCloud, server: Loopback) -> None:
        result = await cloud.sweep(*MACHINES)
        assert result.problem is not None
        assert "raise that setting" in result.problem.detail

    async def succeeds(cloud: VendorCloud, server: Loopback) -> None:
        assert (await cloud.sweep(*MACHINES)).problem is None

    await lab.run(fails, large, more="max_answer_mb = 0.1")
    await lab.run(succeeds, large)


@pytest.mark.parametrize(("flight", "read", "call"), [(1, 15, 25), (30, 15, 25), (300, 150, 250)])
def test_a_call_may_take_most_of_a_long_flight(flight: float, read: float, call: float) -> None:
    """A longer flight permits slower calls."""
    limits = TransportLimits.for_flight(flight, body_bytes=1)

    assert (read, call) == (limits.read_seconds, limits.call_seconds)


@pytest.mark.parametrize(
    ("vendor", "body", "outcome"),
    [
        ("shadeform", b'{"instances": null}', SweepOutcome.COMPLETE),
        ("shadeform", b"{}", SweepOutcome.FAILED),
        ("shadeform", b'{"instances": {}}', SweepOutcome.FAILED),
        ("lambda", b'{"data": null}', SweepOutcome.FAILED),
    ],
)
async def test_null_list(lab: Lab, vendor: str, body: bytes, outcome: SweepOutcome) -> None:
    """Null is an empty list only for a vendor that is known to send it, and a missing list never is."""

    async def flight(cloud: VendorCloud, server: Loopback) -> None:
        assert outcome is (await cloud.sweep(*MACHINES)).outcome

    await lab.run(flight, answer(body), vendor=vendor)
