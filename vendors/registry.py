"""Finds the vendors by scanning this package, so that adding one needs no other file to be edited, and builds accounts."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache, partial
from types import MappingProxyType

from pydantic import BaseModel, SecretStr, ValidationError

import vendors
from domain.enums import ResourceKind
from domain.errors import ConfigurationError
from domain.timestamps import Clock
from vendors.base import Vendor, VendorSettings
from vendors.client import endpoint as endpoints
from vendors.client.cloud import VendorCloud, no_renewal
from vendors.client.rate_limits import SHARE
from vendors.client.transport import CallObserver, Transport, TransportLimits, ignore_call


def names() -> tuple[str, ...]:
    """Return the values that `vendor` may have in the configuration, sorted."""
    return tuple(sorted(_scan()))


def find(name: str) -> type[Vendor]:
    """Return the vendor of a name. Raise ConfigurationError, which lists the valid names."""
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
    observer: CallObserver = ignore_call,
    limits: TransportLimits | None = None,
    budget_share: float = SHARE,
    kinds: Collection[ResourceKind] = tuple(ResourceKind),
    reread: Callable[[], VendorSettings | None] = no_renewal,
) -> VendorCloud:
    """Return the client of one account at one vendor; call `close` on it when done. No call is made.

    `settings` are the account's own keys, including `credentials`. `budget_share` is the share of the vendor's
    documented limits that the account may use. `kinds` are listed. `reread` returns the settings with the present
    credentials, and is called in a thread after a refusal. Raise ConfigurationError, which never quotes a value.
    """
    vendor = _create(find(name), account, settings)
    if vendor.needs_endpoint and endpoint is None:
        raise ConfigurationError(
            f"account '{account}': the vendor '{name}' has no public address; configure an endpoint."
        )
    transport = Transport(
        account,
        _base_url(vendor, endpoints.parse(endpoint, account) if endpoint is not None else None),
        vendor.authorize,
        vendor.read_failure,
        clock=clock,
        observer=observer,
        secrets=vendor.secrets,
        limits=limits,
        rate_limits=vendor.documented_limits,
        uses_proxy=vendor.uses_proxy,
        budget_share=budget_share,
    )
    return VendorCloud(
        account, vendor, transport, clock=clock, kinds=kinds, renew=partial(_renew, type(vendor), account, reread)
    )


def _create(vendor_type: type[Vendor], account: str, settings: VendorSettings | Mapping[str, object]) -> Vendor:
    valid_settings = _validate(vendor_type, account, settings)
    vendor = vendor_type(valid_settings)
    vendor.secrets = _checked_secrets(valid_settings, account)
    return vendor


def _renew(vendor_type: type[Vendor], account: str, reread: Callable[[], VendorSettings | None]) -> Vendor | None:
    """Return the vendor with the credentials of this moment; `None` if they cannot be read or used."""
    settings = reread()
    try:
        return None if settings is None else _create(vendor_type, account, settings)
    except ConfigurationError:
        # A file may be read while it is written. The refusal that led here is reported.
        return None


def _base_url(vendor: Vendor, endpoint: endpoints.VendorEndpoint | None) -> Callable[[str | None], str]:
    def base_url(region: str | None) -> str:
        public = vendor.base_url(region)
        return endpoint.apply_to(public) if endpoint else public

    return base_url


@cache
def _scan() -> Mapping[str, type[Vendor]]:
    vendor_types: dict[str, type[Vendor]] = {}
    for module in pkgutil.iter_modules(vendors.__path__, "vendors."):
        for vendor_type in _vendors_in(module.name):
            if vendor_type.name in vendor_types:
                raise ConfigurationError(f"two modules define the vendor '{vendor_type.name}'.")
            vendor_types[vendor_type.name] = vendor_type
    return MappingProxyType(vendor_types)


def _vendors_in(module_name: str) -> Iterator[type[Vendor]]:
    module = importlib.import_module(module_name)
    for _, candidate in inspect.getmembers(module, inspect.isclass):
        is_own = candidate.__module__ == module_name
        if is_own and issubclass(candidate, Vendor) and not inspect.isabstract(candidate):
            yield candidate


def _validate(
    vendor_type: type[Vendor], account: str, settings: VendorSettings | Mapping[str, object]
) -> VendorSettings:
    if isinstance(settings, vendor_type.settings_type):
        return settings
    try:
        return vendor_type.settings_type.model_validate(settings)
    except ValidationError as error:
        issues = error.errors(include_url=False, include_input=False, include_context=False)
        text = "; ".join(f"{_location(issue['loc'])}: {_reason(issue['msg'])}" for issue in issues)
        raise ConfigurationError(f"account '{account}' (vendor '{vendor_type.name}'): {text}.") from None


def _location(path: tuple[int | str, ...]) -> str:
    return ".".join(map(str, path)) or "settings"


def _reason(message: str) -> str:
    return message.removeprefix("Value error, ").rstrip(".")


def _secrets(settings: BaseModel) -> Iterator[str]:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif isinstance(value, BaseModel):
            yield from _secrets(value)


def _checked_secrets(settings: BaseModel, account: str) -> tuple[str, ...]:
    """Return every secret of the settings. Raise ConfigurationError if one cannot be sent in a header."""
    secrets = tuple(_secrets(settings))
    for secret in secrets:
        if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
            raise ConfigurationError(
                f"account '{account}': a credential is empty, or contains a space, a line break or a character that no key has."
            )
    return secrets
