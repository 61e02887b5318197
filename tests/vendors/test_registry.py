"""Finding and building vendors: what an operator gets wrong is told with its place and cure, and no secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domain.errors import ConfigurationError
from tests.clock import ManualClock
from tests.vendors.accounts import SECRET, lambda_settings
from vendors import registry
from vendors.client import endpoint
from vendors.parse import price_file

AWS: dict[str, Any] = {
    "credentials": {"access_key_id": "AKIAEXAMPLE", "secret_access_key": SECRET},
    "regions": ["us-east-1"],
}


def refused(vendor: str, settings: dict[str, Any], address: str | None = None) -> str:
    """The text of the refusal."""
    with pytest.raises(ConfigurationError) as caught:
        registry.build(vendor, "lab", settings, address, clock=ManualClock())
    assert SECRET not in str(caught.value)
    return str(caught.value)


def test_vendors_are_found_by_scanning() -> None:
    """The three, by the words of the configuration."""
    assert {"aws", "lambda", "sandbox"} <= set(registry.names())
    assert ["aws", "lambda"] == [registry.find(name).name for name in ("aws", "lambda")]


def test_an_unknown_vendor() -> None:
    """The error lists the known ones."""
    with pytest.raises(ConfigurationError, match=r"'asw' is not known; known are: aws, .*lambda, .*sandbox"):
        registry.find("asw")


@pytest.mark.parametrize("regions", [None, []])
def test_aws_without_regions(regions: object) -> None:
    """The error says what to write."""
    settings = {"credentials": AWS["credentials"]} | ({} if regions is None else {"regions": regions})

    told = refused("aws", settings)

    assert "'lab'" in told
    assert 'regions: aws is listed region by region: name them, as in regions = ["us-east-1"]' in told


@pytest.mark.parametrize("region", ["", "US-EAST-1", "us-east-1a", "us-east-1.evil.test/", "x@evil"])
def test_a_region_that_is_none(region: str) -> None:
    """A region becomes part of the host's name: only words of their form are let in."""
    assert "every region is a word such as us-east-1" in refused("aws", AWS | {"regions": [region]})


def test_mistakes_are_named_without_their_values() -> None:
    """An unknown key, a missing credential, a wrong type."""
    assert "api_kei" in refused("lambda", {"credentials": {"api_kei": SECRET}})
    assert "credentials: Field required" in refused("lambda", {})
    assert "credentials.api_key" in refused("lambda", {"credentials": {"api_key": [SECRET]}})


@pytest.mark.parametrize("key", ["", f"{SECRET}\n", f"{SECRET} {SECRET}", f"{SECRET}é"])
def test_a_credential_that_no_header_carries(key: str) -> None:
    """A line break left over from a file, an empty variable: told before any call."""
    assert "'lab': a credential is empty, or holds" in refused("lambda", lambda_settings(key))


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("ftp://host", "http:// or https://"),
        ("host:80", "http:// or https://"),
        ("https://", "names no host"),
        ("https://:80", "names no host"),
        (f"https://user:{SECRET}@host", "must not hold credentials"),
        ("https://host/?a=b", "no '?'"),
        ("https://host/#a", "no '?'"),
        ("https://host:port", "is no address"),
        ("https://[::1", "is no address"),
        ("https://ho st", "a space"),
        ("", "http:// or https://"),
    ],
)
def test_an_endpoint_that_is_none(address: str, says: str) -> None:
    """Each mistake is told by itself."""
    told = refused("lambda", lambda_settings(), address)

    assert "account 'lab': endpoint" in told
    assert says in told


@pytest.mark.parametrize(
    ("address", "base", "expected"),
    [
        ("http://127.0.0.1:5000", "https://ec2.us-east-1.amazonaws.com/", "http://127.0.0.1:5000/"),
        ("https://Proxy.Test/a/b/", "https://cloud.lambda.ai/api/v1", "https://proxy.test/a/b/api/v1"),
        ("http://[::1]:80", "https://cloud.lambda.ai/api/v1", "http://[::1]:80/api/v1"),
    ],
)
def test_the_vendors_base_path_follows_the_endpoint(address: str, base: str, expected: str) -> None:
    """Scheme, host and prefix are the operator's, the rest is the vendor's."""
    assert expected == endpoint.parse(address, "lab").instead_of(base)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[us-east-1]\n"p5.48xlarge" = 55.04', "needs as_of"),
        ("as_of = 2026-01-01\nus-east-1 = 5", "'us-east-1' must be a table"),
        ('as_of = 2026-01-01\n[us-east-1]\n"p5.48xlarge" = -1', "the price of 'p5.48xlarge' in 'us-east-1'"),
        ('as_of = 2026-01-01\n[us-east-1]\n"p5.48xlarge" = inf', "the price of 'p5.48xlarge' in 'us-east-1'"),
        ("as_of = ", "is not TOML"),
    ],
)
def test_a_price_file_that_is_none(tmp_path: Path, text: str, says: str) -> None:
    """The error names the file and what is wrong in it."""
    file = tmp_path / "prices.toml"
    file.write_text(text, encoding="utf-8")

    told = refused("aws", AWS | {"price_file": str(file)})

    assert "prices.toml" in told
    assert says in told


def test_a_price_file_that_is_missing(tmp_path: Path) -> None:
    """Named and not there is an error, not an empty list."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        price_file.load(tmp_path / "none.toml")


def test_a_vendor_without_a_public_address_needs_an_endpoint() -> None:
    """Nothing is built that could only ever fail."""
    assert "give it an endpoint" in refused("sandbox", {"credentials": {"api_key": SECRET}})
