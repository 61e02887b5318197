"""Calls through a company's proxy, and servers whose certificate a company's own authority signed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from domain.errors import ConfigurationError
from tests.clock import ManualClock
from tests.vendors.accounts import QUICK, lambda_settings
from tests.vendors.client.test_intermediaries import failure_at
from tests.vendors.client.test_transport import send
from tests.vendors.loopback import Loopback, answer, loopback
from vendors import registry

PASSWORD = "pr0xy-passw0rd"
VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
CLOUD = "http://cloud.invalid"
"""A host that only a proxy can reach."""


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def proxy_url(proxy: Loopback) -> str:
    """Return the address of a proxy with credentials."""
    return proxy.address.replace("http://", f"http://user:{PASSWORD}@")


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY", "http_proxy"])
async def test_plain_call_through_a_proxy(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy gets the whole address and its own credentials."""
    async with loopback(answer(b'{"a": 1}')) as proxy:
        monkeypatch.setenv(variable, proxy_url(proxy))

        response = await send(CLOUD, times=2)

    assert {"a": 1} == response.payload
    assert [b"GET http://cloud.invalid/things HTTP/1.1"] * 2 == [r.split(b"\r\n")[0] for r in proxy.requests]
    assert b"proxy-authorization: basic " in proxy.requests[0].lower()
    assert proxy.connections == 1


async def test_tls_call_asks_the_proxy_for_a_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call over TLS begins with CONNECT, and a proxy that wants credentials is named as the cause."""
    async with loopback(answer(b"", 407, {"proxy-authenticate": "Basic"})) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy_url(proxy))

        failure = await failure_at("https://cloud.invalid")

    assert proxy.requests[0].startswith(b"CONNECT cloud.invalid:443 HTTP/1.1\r\n")
    assert "the proxy wants credentials" in failure.detail
    assert PASSWORD not in failure.detail


async def test_proxy_that_cannot_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another refusal of CONNECT is the proxy's too."""
    async with loopback(answer(b"", 502)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy_url(proxy))

        failure = await failure_at("https://cloud.invalid")

    assert "the proxy did not connect" in failure.detail
    assert PASSWORD not in failure.detail


async def test_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host in NO_PROXY is called directly."""
    async with loopback(answer()) as proxy, loopback(answer()) as cloud:
        monkeypatch.setenv("HTTP_PROXY", proxy.address)
        monkeypatch.setenv("NO_PROXY", "example.com,127.0.0.1")

        await send(cloud.address)

    assert len(cloud.requests) == 1
    assert not proxy.requests


async def test_the_sandbox_is_called_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulated cloud is on this machine, so that a proxy cannot reach it."""
    async with loopback(answer()) as proxy, loopback(answer()) as sandbox:
        monkeypatch.setenv("ALL_PROXY", proxy.address)
        cloud = registry.build("sandbox", "lab", lambda_settings(), sandbox.address, clock=ManualClock(), limits=QUICK)
        await cloud.sweep(*cloud.scopes[0])
        await cloud.close()

    assert sandbox.requests
    assert not proxy.requests


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTPS_PROXY", f"ftp://user:{PASSWORD}@proxy"),
        ("HTTPS_PROXY", f"http://user:{PASSWORD}@proxy:port"),
        ("ALL_PROXY", f"socks5://user:{PASSWORD}@proxy"),
        ("SSL_CERT_FILE", f"/no/such/{PASSWORD}"),
        ("SSL_CERT_FILE", __file__),
        ("SSL_CERT_DIR", f"/no/such/{PASSWORD}"),
    ],
)
async def test_variable_that_cannot_be_used(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the variable and never its value."""
    monkeypatch.setenv(variable, value)

    with pytest.raises(ConfigurationError, match=variable) as caught:
        registry.build("lambda", "lab", lambda_settings(), clock=ManualClock())

    assert PASSWORD not in str(caught.value)


class Authority:
    """A private certificate authority with the certificate of one server."""

    def __init__(self, folder: Path, host: str = "127.0.0.1", days: int = 36_500) -> None:
        self.file = folder / "authority.pem"
        key, name = ec.generate_private_key(ec.SECP256R1()), _name("Private authority")
        certificate = _builder(name, name, key, days=36_500).add_extension(x509.BasicConstraints(True, None), True)
        self.file.write_bytes(certificate.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        server_key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))])
        server = _builder(_name("cloud"), name, server_key, days=days).add_extension(names, False)
        self.server_file = folder / "server.pem"
        self.server_file.write_bytes(
            server_key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + server.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        )

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Serve an empty object over TLS; yield the address."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.server_file)
        async with loopback(answer(), tls=context) as server:
            yield server.address


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: int
) -> x509.CertificateBuilder:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
    )


async def test_private_authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A private authority is trusted if SSL_CERT_FILE names its certificate, else the failure says so."""
    authority = Authority(tmp_path)
    async with authority.serve() as address:
        failure = await failure_at(address)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        response = await send(address)

    assert "certificate of the server is not trusted" in failure.detail
    assert "SSL_CERT_FILE" in failure.detail
    assert {} == response.payload


@pytest.mark.parametrize(
    ("host", "days", "words"), [("127.0.0.1", 1, "has expired"), ("127.0.0.9", 36_500, "for another address")]
)
async def test_certificate_of_a_trusted_authority(
    host: str, days: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An expired certificate, and one for another host, have their own sentences."""
    authority = Authority(tmp_path, host, days)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    async with authority.serve() as address:
        assert words in (await failure_at(address)).detail


async def test_tls_to_a_plain_server() -> None:
    """A server without TLS is distinguished from one that is not trusted."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        failure = await failure_at(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")

    assert "does not speak TLS" in failure.detail
