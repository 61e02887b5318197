"""Reads the configuration: one TOML file, single values by environment, accounts from the file or whole from the environment."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, get_args

from pydantic import SecretStr, ValidationError

from domain.errors import ConfigurationError
from supplygraph.config.issues import ConfigErrors, Origins, as_table, unknown_key
from supplygraph.config.secrets import BadSecret, parse_reference, resolve
from supplygraph.config.settings import COMMON_ACCOUNT_KEYS, AccountSettings, Settings
from supplygraph.config.toml_lines import TomlLines
from vendors import registry
from vendors.base import VendorSettings
from vendors.client import endpoint

PREFIX: Final = "SUPPLYGRAPH_"
NAMED_BY: Final = "SUPPLYGRAPH_CONFIG"
ACCOUNTS: Final = "SUPPLYGRAPH_ACCOUNTS"
DEFAULT_FILE: Final = "supplygraph.toml"
SANDBOX_URL: Final = "sqlite+aiosqlite:///sandbox.db"
_SECTIONS: Final = MappingProxyType({
    name: field.annotation for name, field in Settings.model_fields.items() if name != "accounts"
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings, and the file that they came from; `file` None where there was none."""

    settings: Settings
    file: Path | None

    @property
    def empty(self) -> bool:
        """Whether nobody configured anything: then `serve` runs on the sandbox."""
        return self.file is None and not self.settings.accounts


def load(config: Path | None, environ: Mapping[str, str], folder: Path) -> Configuration:
    """Load from `--config`, else SUPPLYGRAPH_CONFIG, else `supplygraph.toml` in `folder`, else from nothing but the environment.

    Raises ConfigurationError with every mistake and its line; its text holds no value of the configuration.
    """
    file = _find(config, environ, folder)
    origins = Origins()
    tables: dict[str, Any] = {} if file is None else _read(file, origins)
    faults = ConfigErrors(origins)
    base = folder if file is None else file.resolve().parent
    _override(tables, environ, origins, faults)
    _accounts_of_environment(tables, environ, origins)
    _reveal_url(tables, environ, base, faults)
    accounts = _accounts(tables.pop("accounts", []), environ, base, faults)
    try:
        settings = Settings.model_validate(tables)
    except ValidationError as error:
        faults.add_invalid(error, Settings)
        settings = Settings()
    faults.check()
    _check_waits(accounts, settings, faults)
    faults.check()
    configuration = Configuration(settings.model_copy(update={"accounts": accounts}), file)
    named = "url" in (as_table(tables.get("database")) or {})
    return configuration if named or not configuration.empty else _on_the_sandbox(configuration)


def _check_waits(accounts: tuple[AccountSettings, ...], settings: Settings, faults: ConfigErrors) -> None:
    """No account is told to let its readers wait longer than any reader may ask to."""
    longest = settings.freshness.deadline_max_seconds
    for index, account in enumerate(accounts):
        if account.deadline_seconds is not None and account.deadline_seconds > longest:
            message = "is longer than freshness.deadline_max_seconds; make this shorter or that longer"
            faults.add(("accounts", index, "deadline_seconds"), message)


def _on_the_sandbox(configuration: Configuration) -> Configuration:
    """With a record of its own: what is simulated never stands beside what a team really rents."""
    settings = configuration.settings
    database = settings.database.model_copy(update={"url": SecretStr(SANDBOX_URL)})
    return replace(configuration, settings=settings.model_copy(update={"database": database}))


def _find(config: Path | None, environ: Mapping[str, str], folder: Path) -> Path | None:
    named = environ.get(NAMED_BY)
    for path, said in ((config, "--config"), (Path(named) if named else None, NAMED_BY)):
        if path is not None:
            if not (folder / path).is_file():
                raise ConfigurationError(f"{said} names {path}, and there is no such file")
            return folder / path
    here = folder / DEFAULT_FILE
    return here if here.is_file() else None


def _read(file: Path, origins: Origins) -> dict[str, Any]:
    origins.file = file.name
    try:
        text = file.read_text(encoding="utf-8-sig")
        tables = tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file} is no UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file.name} is no TOML: {error}") from None
    origins.lines = TomlLines(text)
    return tables


def _override(tables: dict[str, Any], environ: Mapping[str, str], origins: Origins, faults: ConfigErrors) -> None:
    """Single values: `SUPPLYGRAPH_FRESHNESS__COOLDOWN_SECONDS`. Other variables with our prefix are not ours to judge."""
    for name, text in sorted(environ.items()):
        section, separator, key = name.removeprefix(PREFIX).lower().partition("__")
        if not name.startswith(PREFIX) or not separator:
            continue
        path = (section, key)
        origins.variables[path] = name
        model = _SECTIONS.get(section)
        if model is None:
            faults.add(path, unknown_key(section, _SECTIONS))
            continue
        if as_table(tables.setdefault(section, {})) is not None:
            tables[section][key] = _value(text, model.model_fields.get(key))


def _value(text: str, field: Any) -> object:
    """A variable's text as what the field holds; what cannot be read stays text, for the model to refuse."""
    wanted = getattr(field, "annotation", str)
    if wanted in (int, float):
        try:
            return int(text) if wanted is int else float(text)
        except ValueError:
            return text
    if str(wanted).startswith("list"):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _accounts_of_environment(tables: dict[str, Any], environ: Mapping[str, str], origins: Origins) -> None:
    text = environ.get(ACCOUNTS)
    if text is None:
        return
    try:
        accounts = json.loads(text)
    except ValueError:
        raise ConfigurationError(
            f"{ACCOUNTS} is no JSON; write a list of accounts, with the keys of [[accounts]]"
        ) from None
    origins.variables["accounts",] = ACCOUNTS
    tables["accounts"] = accounts


def _reveal_url(tables: dict[str, Any], environ: Mapping[str, str], base: Path, faults: ConfigErrors) -> None:
    database = as_table(tables.get("database")) or {}
    url = database.get("url")
    if isinstance(url, str) and url.startswith(("env:", "file:")):
        try:
            tables["database"] = {**database, "url": resolve(parse_reference(url), environ, base)}
        except BadSecret as error:
            faults.add(("database", "url"), str(error))


def _accounts(
    written: object, environ: Mapping[str, str], base: Path, faults: ConfigErrors
) -> tuple[AccountSettings, ...]:
    if not isinstance(written, list):
        faults.add(("accounts",), "is no list of tables; write [[accounts]] above each account")
        return ()
    accounts: list[AccountSettings] = []
    for index, table in enumerate(written):
        reader = _AccountReader(index, environ, base, faults)
        account = reader.read(table)
        if account is None:
            continue
        if account.name in {other.name for other in accounts}:
            faults.add(("accounts", index, "name"), f"'{account.name}' names two accounts; a name is an identity")
        accounts.append(account)
    return tuple(accounts)


def _types(annotation: object) -> tuple[object, ...]:
    return get_args(annotation) or (annotation,)


class _AccountReader:
    """One `[[accounts]]`: the keys that all have, the vendor's own, and the secrets behind its credentials."""

    def __init__(self, index: int, environ: Mapping[str, str], base: Path, faults: ConfigErrors) -> None:
        self._at = ("accounts", index)
        self._environ = environ
        self._base = base
        self._faults = faults

    def read(self, written: object) -> AccountSettings | None:
        """The account, None where it has a fault."""
        before = len(self._faults)
        table = as_table(written)
        if table is None:
            self._faults.add(self._at, "is no table")
            return None
        common = {key: value for key, value in table.items() if key in COMMON_ACCOUNT_KEYS}
        own = self._own(table)
        self._check_endpoint(common)
        try:
            account = AccountSettings.model_validate({**common, "own": own})
        except ValidationError as error:
            self._faults.add_invalid(error, AccountSettings, self._at)
            return None
        return account if len(self._faults) == before else None

    def _own(self, table: Mapping[str, object]) -> object:
        """The vendor's own settings, or an empty stand-in once a fault is noted."""
        nothing = VendorSettings()
        vendor = table.get("vendor")
        if not isinstance(vendor, str):
            return nothing
        try:
            wanted = registry.find(vendor).settings_type
        except ConfigurationError as error:
            self._faults.add((*self._at, "vendor"), str(error).removesuffix("."))
            return nothing
        if registry.find(vendor).needs_endpoint and "endpoint" not in table:
            self._faults.add((*self._at, "endpoint"), "is needed and not given: this vendor has no public address")
        keys = {key: value for key, value in table.items() if key not in COMMON_ACCOUNT_KEYS}
        for key in sorted(keys.keys() - wanted.model_fields.keys()):
            self._faults.add((*self._at, key), unknown_key(key, COMMON_ACCOUNT_KEYS | wanted.model_fields.keys()))
            del keys[key]
        if "credentials" in keys:
            revealed = self._revealed(keys["credentials"])
            if revealed is None:
                return nothing
            keys["credentials"] = revealed
        for key, value in keys.items():
            # A file named in the configuration lies beside it, wherever the gateway was started.
            if isinstance(value, str) and Path in _types(wanted.model_fields[key].annotation):
                keys[key] = self._base / value
        try:
            return wanted.model_validate(keys)
        except ValidationError as error:
            self._faults.add_invalid(error, wanted, self._at)
            return nothing

    def _revealed(self, credentials: object) -> dict[str, str] | None:
        at = (*self._at, "credentials")
        table = as_table(credentials)
        if table is None:
            self._faults.add(at, 'is no table; write [accounts.credentials], and below it such as api_key = "env:NAME"')
            return None
        revealed: dict[str, str] = {}
        for key, written in table.items():
            try:
                revealed[key] = resolve(parse_reference(written), self._environ, self._base)
            except BadSecret as error:
                self._faults.add((*at, key), str(error))
        return revealed if len(revealed) == len(table) else None

    def _check_endpoint(self, common: dict[str, object]) -> None:
        written = common.get("endpoint")
        if not isinstance(written, str):
            return
        try:
            endpoint.parse(written, "")
        except ConfigurationError as error:
            self._faults.add(
                (*self._at, "endpoint"), str(error).removeprefix("account '': endpoint ").removesuffix(".")
            )
