"""Calls from inside a company: through its proxy, to a server with its own certificate authority, past filters."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from domain.errors import ConfigurationError, CredentialsRejected, Unreachable, VendorFailure
from tests.vendors.client.test_transport import failure_of, send
from tests.vendors.loopback import Loopback, answer, free_port, loopback


@pytest.fixture
def proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return the environment, without any proxy."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
async def test_calls_go_through_the_proxy(proxies: pytest.MonkeyPatch, variable: str) -> None:
    """The proxy gets the whole address, and its credentials; NO_PROXY names hosts that are called directly."""
    async with loopback(answer(b"{}")) as vendor, loopback(answer(b"{}")) as proxy:
        proxies.setenv(variable, proxy.address.replace("//", "//user:pass@"))
        await send(vendor.address)
        assert (len(vendor.requests), len(proxy.requests)) == (0, 1)
        assert proxy.requests[0].startswith(b"GET " + vendor.address.encode())
        assert b"proxy-authorization: basic" in proxy.requests[0].lower()
        proxies.setenv("NO_PROXY", "127.0.0.1")
        await send(vendor.address)
        assert (len(vendor.requests), len(proxy.requests)) == (1, 1)


async def test_a_proxy_that_refuses(proxies: pytest.MonkeyPatch) -> None:
    """The cure is the proxy's setting, for plain calls and for tunnels, and the credentials are not repeated."""
    async with loopback(answer(b"", 407)) as proxy:
        for variable, address in (("HTTP_PROXY", "http://vendor.invalid"), ("HTTPS_PROXY", "https://vendor.invalid")):
            proxies.setenv(variable, proxy.address.replace("//", "//user:s3cret-of-proxy@"))
            with pytest.raises(Unreachable, match="check HTTPS_PROXY") as caught:
                await send(address)
            assert "s3cret-of-proxy" not in str(caught.value)
        assert proxy.requests[-1].startswith(b"CONNECT vendor.invalid:443")


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "nonsense://127.0.0.1"])
async def test_an_unusable_proxy(proxies: pytest.MonkeyPatch, proxy: str) -> None:
    """The message names the variables, and not the address, which may contain credentials."""
    proxies.setenv("ALL_PROXY", proxy)
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY, HTTP_PROXY or ALL_PROXY") as caught:
        await send("http://127.0.0.1:9")
    assert "1080" not in str(caught.value)


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """Write the certificate of 127.0.0.1, which signs its own, and its key. Return both files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a company")])
    # Wide bounds, because TLS compares them with the machine's own clock.
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2000, 1, 1))  # noqa: DTZ001 - the library wants naive UTC
        .not_valid_after(datetime(2000, 1, 1) + timedelta(days=36_500))  # noqa: DTZ001
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "authority.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    encryption = serialization.NoEncryption()
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))
    return files


@asynccontextmanager
async def https_server(certificate: Path, key: Path) -> AsyncIterator[str]:
    """Serve an empty answer by https. Yields the address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = Loopback(answer(b"{}"))
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        await server.stop()


async def test_an_own_certificate_authority(proxies: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is trusted if SSL_CERT_FILE names it. Otherwise the failure says so, and nothing else."""
    certificate, key = write_certificate(tmp_path)
    async with https_server(certificate, key) as address:
        with pytest.raises(
            Unreachable, match="the certificate is not trusted; name its authority's file in SSL_CERT_FILE"
        ):
            await send(address)
        proxies.setenv("SSL_CERT_FILE", str(certificate))
        assert (await send(address)).payload == {}


async def test_an_unusable_certificate_file(proxies: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message names the variable."""
    (tmp_path / "empty.pem").write_text("not a certificate", encoding="utf-8")
    for name in ("empty.pem", "missing.pem"):
        proxies.setenv("SSL_CERT_FILE", str(tmp_path / name))
        with pytest.raises(ConfigurationError, match="SSL_CERT_FILE or SSL_CERT_DIR cannot be used"):
            await send("https://127.0.0.1:9")


async def test_three_causes_of_no_connection(proxies: pytest.MonkeyPatch) -> None:
    """An unknown host and a refused connection are different failures, and each has its own cure."""
    for address, text in (
        ("http://vendor.invalid", "the host is unknown; check the endpoint and this machine's DNS"),
        (f"http://127.0.0.1:{free_port()}", "the connection was refused; check the endpoint"),
    ):
        with pytest.raises(Unreachable, match=text):
            await send(address)


HTML = {"content-type": "text/html; charset=UTF-8"}
REFUSALS = {
    "a challenge": (answer(b"<html>", 403, HTML | {"cf-mitigated": "challenge"}), Unreachable, "a filter in front of"),
    "a filter's page": (answer(b"<html>", 403, HTML), Unreachable, "a filter in front of the vendor's API"),
    "a refused key": (answer(b"{}", 403, {"content-type": "application/json"}), CredentialsRejected, "credentials"),
    "no credit": (answer(b"{}", 402), CredentialsRejected, "asks for payment; add credit to the account"),
    "the place": (answer(b"{}", 451), Unreachable, "for legal reasons"),
    "a login page": (answer(b"", 302, {"location": "http://portal.invalid/"}), VendorFailure, "a redirect"),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_refusals_have_the_right_cure(proxies: pytest.MonkeyPatch, name: str) -> None:
    """Only a refused key blames the key, and nothing between the gateway and the cloud blames the endpoint."""
    reply, failure_type, text = REFUSALS[name]
    failure = await failure_of(reply)
    assert isinstance(failure, failure_type)
    assert text in failure.detail
    assert ("check the account's credentials" in failure.detail) is (name == "a refused key")
    assert ("endpoint" in failure.detail) is (name == "a login page")
