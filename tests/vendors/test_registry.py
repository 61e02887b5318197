"""Finding and building vendors: an operator's mistake is reported with its place and its remedy, and without secrets."""

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


def config_error(vendor: str, settings: dict[str, Any], address: str | None = None) -> str:
    """Return the text of the configuration error."""
    with pytest.raises(ConfigurationError) as caught:
        registry.build(vendor, "lab", settings, address, clock=ManualClock())
    assert SECRET not in str(caught.value)
    return str(caught.value)


def test_vendors_are_found_by_scanning() -> None:
    """Vendors are found by their names in the configuration."""
    assert {"aws", "lambda", "sandbox"} <= set(registry.names())
    assert ["aws", "lambda"] == [registry.find(name).name for name in ("aws", "lambda")]


def test_unknown_vendor() -> None:
    """The error lists the valid names."""
    with pytest.raises(ConfigurationError, match=r"'asw' is not known; known are: aws, .*lambda, .*sandbox"):
        registry.find("asw")


@pytest.mark.parametrize("regions", [None, []])
def test_aws_without_regions(regions: object) -> None:
    """The error says what to write."""
    settings = {"credentials": AWS["credentials"]} | ({} if regions is None else {"regions": regions})

    error = config_error("aws", settings)

    assert "'lab'" in error
    assert 'regions: aws is listed region by region: name them, as in regions = ["us-east-1"]' in error


@pytest.mark.parametrize("region", ["", "US-EAST-1", "us-east-1a", "us-east-1.evil.test/", "x@evil"])
def test_invalid_regions(region: str) -> None:
    """A region becomes part of a host name, so only region names are accepted."""
    assert "every region must be a region name such as us-east-1" in config_error("aws", AWS | {"regions": [region]})


def test_config_errors_quote_no_values() -> None:
    """An unknown key, a missing credential and a wrong type are named."""
    assert "api_kei" in config_error("lambda", {"credentials": {"api_kei": SECRET}})
    assert "credentials: Field required" in config_error("lambda", {})
    assert "credentials.api_key" in config_error("lambda", {"credentials": {"api_key": [SECRET]}})


@pytest.mark.parametrize("key", ["", f"{SECRET}\n", f"{SECRET} {SECRET}", f"{SECRET}é"])
def test_credentials_that_no_header_can_carry(key: str) -> None:
    """A line break left over from a file and an empty variable are reported before any call."""
    assert "'lab': a credential is empty, or contains" in config_error("lambda", lambda_settings(key))


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ftp://host", "http:// or https://"),
        ("host:80", "http:// or https://"),
        ("https://", "has no host"),
        ("https://:80", "has no host"),
        (f"https://user:{SECRET}@host", "must not hold credentials"),
        ("https://host/?a=b", "no '?'"),
        ("https://host/#a", "no '?'"),
        ("https://host:port", "is not a valid URL"),
        ("https://[::1", "is not a valid URL"),
        ("https://ho st", "a space"),
        ("", "http:// or https://"),
    ],
)
def test_invalid_endpoints(address: str, message: str) -> None:
    """Each mistake has its own message."""
    error = config_error("lambda", lambda_settings(), address)

    assert "account 'lab': endpoint" in error
    assert message in error


@pytest.mark.parametrize(
    ("address", "base", "expected"),
    [
        ("http://127.0.0.1:5000", "https://ec2.us-east-1.amazonaws.com/", "http://127.0.0.1:5000/"),
        ("https://Proxy.Test/a/b/", "https://cloud.lambda.ai/api/v1", "https://proxy.test/a/b/api/v1"),
        ("http://[::1]:80", "https://cloud.lambda.ai/api/v1", "http://[::1]:80/api/v1"),
    ],
)
def test_base_path_follows_the_endpoint(address: str, base: str, expected: str) -> None:
    """Scheme, host and prefix are the operator's, the rest is the vendor's."""
    assert expected == endpoint.parse(address, "lab").apply_to(base)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[us-east-1]\n"p5.48xlarge" = 55.04', "needs as_of"),
        ("as_of = 2026-01-01\nus-east-1 = 5", "'us-east-1' must be a table"),
        ('as_of = 2026-01-01\n[us-east-1]\n"p5.48xlarge" = -1', "the price of 'p5.48xlarge' in 'us-east-1'"),
        ('as_of = 2026-01-01\n[us-east-1]\n"p5.48xlarge" = inf', "the price of 'p5.48xlarge' in 'us-east-1'"),
        ("as_of = ", "is not TOML"),
    ],
)
def test_invalid_price_files(tmp_path: Path, content: str, message: str) -> None:
    """The error names the file and what is wrong in it."""
    file = tmp_path / "prices.toml"
    file.write_text(content, encoding="utf-8")

    error = config_error("aws", AWS | {"price_file": str(file)})

    assert "prices.toml" in error
    assert message in error


def test_missing_price_file(tmp_path: Path) -> None:
    """A configured file that is missing is an error, not an empty list."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        price_file.load(tmp_path / "none.toml")


def test_vendor_without_a_public_address_needs_an_endpoint() -> None:
    """An account that could never work is not built."""
    assert "configure an endpoint" in config_error("sandbox", {"credentials": {"api_key": SECRET}})
