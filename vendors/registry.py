"""Which vendors there are, found by scanning this package: adding one edits no other file."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType

from pydantic import BaseModel, SecretStr, ValidationError

import vendors
from domain.errors import ConfigurationError
from domain.timestamps import Clock
from vendors.base import Vendor, VendorSettings
from vendors.client import endpoint as endpoints
from vendors.client.cloud import VendorCloud
from vendors.client.rate_limits import SHARE
from vendors.client.transport import CallObserver, Transport, TransportLimits, nobody


def names() -> tuple[str, ...]:
    """The words that `vendor` in the configuration may be, sorted."""
    return tuple(sorted(_scan()))


def find(name: str) -> type[Vendor]:
    """The vendor of a name. Raises ConfigurationError, listing the known ones."""
    try:
        return _scan()[name]
    except KeyError:
        raise ConfigurationError(f"vendor '{name}' is not known; known are: {', '.join(names())}.") from None


def build(
    name: str,
    account: str,
    settings: VendorSettings | Mapping[str, object],
    endpoint: str | None = None,
    *,
    clock: Clock,
    observer: CallObserver = nobody,
    limits: TransportLimits | None = None,
    budget_share: float = SHARE,
) -> VendorCloud:
    """One account at one vendor, ready to be asked; `close` it when done. No call is made.

    `settings` are the account's own keys, `credentials` among them; `budget_share` is how much of the vendor's documented limits
    it may use. Raises ConfigurationError, which never quotes a value.
    """
    found = find(name)
    checked = _settings(found, account, settings)
    vendor = found(checked)
    if found.needs_endpoint and endpoint is None:
        raise ConfigurationError(
            f"account '{account}': the vendor '{name}' has no public address; give it an endpoint."
        )
    moved = endpoints.parse(endpoint, account) if endpoint is not None else None

    def base_url(region: str | None) -> str:
        public = vendor.base_url(region)
        return moved.instead_of(public) if moved else public

    secrets = tuple(_secrets(checked))
    _check_secrets(secrets, account)
    transport = Transport(
        account,
        base_url,
        vendor.authorize,
        vendor.read_failure,
        clock=clock,
        observer=observer,
        secrets=secrets,
        limits=limits,
        allowances=vendor.documented_limits,
        budget_share=budget_share,
    )
    return VendorCloud(account, vendor, transport, clock=clock)


@cache
def _scan() -> Mapping[str, type[Vendor]]:
    found: dict[str, type[Vendor]] = {}
    for module in pkgutil.iter_modules(vendors.__path__, "vendors."):
        for vendor in _declared(module.name):
            if vendor.name in found:
                raise ConfigurationError(f"two files declare the vendor '{vendor.name}'.")
            found[vendor.name] = vendor
    return MappingProxyType(found)


def _declared(module_name: str) -> Iterator[type[Vendor]]:
    module = importlib.import_module(module_name)
    for _, candidate in inspect.getmembers(module, inspect.isclass):
        if issubclass(candidate, Vendor) and candidate.__module__ == module_name and not inspect.isabstract(candidate):
            yield candidate


def _settings(vendor: type[Vendor], account: str, settings: VendorSettings | Mapping[str, object]) -> VendorSettings:
    raw = settings
    if isinstance(raw, vendor.settings_type):
        return raw
    try:
        return vendor.settings_type.model_validate(raw)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        told = "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'settings'}: {_said(fault['msg'])}" for fault in faults)
        raise ConfigurationError(f"account '{account}' (vendor '{vendor.name}'): {told}.") from None


def _said(message: str) -> str:
    return message.removeprefix("Value error, ").rstrip(".")


def _secrets(settings: BaseModel) -> Iterator[str]:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif isinstance(value, BaseModel):
            yield from _secrets(value)


def _check_secrets(secrets: tuple[str, ...], account: str) -> None:
    for secret in secrets:
        if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
            raise ConfigurationError(
                f"account '{account}': a credential is empty, or holds a space, a line break or a letter that no key has."
            )
