"""Where an account's API is: the vendor's public address, or the endpoint that the operator configured instead."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from domain.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class VendorEndpoint:
    """Scheme, host with port, and path prefix. The vendor's own base path follows the prefix."""

    scheme: str
    host: str
    prefix: str

    def apply_to(self, base_url: str) -> str:
        """Return the vendor's base URL with this scheme, host and prefix."""
        return f"{self.scheme}://{self.host}{self.prefix}{urlsplit(base_url).path}"


def parse(text: str, account: str) -> VendorEndpoint:
    """Parse an `endpoint` setting.

    Raises ConfigurationError. Its message never quotes the text, which may contain a password.
    """
    where = f"account '{account}': endpoint"
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigurationError(f"{where} contains a space or a character that a URL cannot have.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ConfigurationError(f"{where} is not a valid URL; write it as https://host:port/prefix.") from None
    _validate(parts, where)
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    host = f"{name}:{port}" if port is not None else f"{name}"
    return VendorEndpoint(parts.scheme, host, parts.path.rstrip("/"))


def _validate(parts: SplitResult, where: str) -> None:
    if parts.scheme not in ("http", "https"):
        raise ConfigurationError(f"{where} must begin with http:// or https://.")
    if not parts.hostname:
        raise ConfigurationError(f"{where} has no host; write it as https://host:port/prefix.")
    if "@" in parts.netloc:
        raise ConfigurationError(f"{where} must not hold credentials; they belong in [accounts.credentials].")
    if parts.query or parts.fragment:
        raise ConfigurationError(f"{where} must end with its path: no '?' and no '#'.")
