"""Load the configuration: one TOML file, single values from the environment, accounts from the file or the environment."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, get_args

from pydantic import SecretStr, ValidationError

from domain.errors import ConfigurationError
from supplygraph.config.issues import ConfigErrors, Origins, as_table, unknown_key
from supplygraph.config.secrets import BadSecret, parse_reference, resolve
from supplygraph.config.settings import COMMON_ACCOUNT_KEYS, AccountSettings, DatabaseSettings, Settings
from supplygraph.config.toml_lines import TomlLines
from vendors import registry
from vendors.base import VendorSettings
from vendors.client import endpoint

PREFIX: Final = "SUPPLYGRAPH_"
FILE_VARIABLE: Final = "SUPPLYGRAPH_CONFIG"
ACCOUNTS_VARIABLE: Final = "SUPPLYGRAPH_ACCOUNTS"
DEFAULT_FILE: Final = "supplygraph.toml"
_SQLITE_FILE: Final = "sqlite+aiosqlite:///"
SANDBOX_URL: Final = f"{_SQLITE_FILE}sandbox.db"
_SECTIONS: Final = MappingProxyType({
    name: field.annotation for name, field in Settings.model_fields.items() if name != "accounts"
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings, and the file that they were loaded from; `file` is `None` if there was none."""

    settings: Settings
    file: Path | None

    @property
    def empty(self) -> bool:
        """Whether nothing is configured. Then `serve` runs on the sandbox."""
        return self.file is None and not self.settings.accounts


def load(config: Path | None, environ: Mapping[str, str], folder: Path) -> Configuration:
    """Load the configuration from `config`, otherwise SUPPLYGRAPH_CONFIG, otherwise `supplygraph.toml` in `folder`.

    Without any of these files only the environment counts. Raises ConfigurationError with every mistake and its line;
    the text contains no value of the configuration.
    """
    file = _find_file(config, environ, folder)
    origins = Origins()
    tables: dict[str, Any] = {} if file is None else _read_file(file, origins)
    errors = ConfigErrors(origins)
    base = folder if file is None else file.resolve().parent
    _apply_variables(tables, environ, origins, errors)
    _apply_accounts_variable(tables, environ, origins)
    _resolve_url(tables, environ, base, errors)
    accounts = _read_accounts(tables.pop("accounts", []), environ, base, errors)
    try:
        settings = Settings.model_validate(tables)
    except ValidationError as error:
        errors.add_invalid(error, Settings)
        settings = Settings()
    errors.raise_if_any()
    _check_deadlines(accounts, settings, errors)
    errors.raise_if_any()
    # A variable is set in a shell, whose user thinks of the folder where he is.
    database = _anchored(settings.database, folder if ("database", "url") in origins.variables else base)
    configuration = Configuration(settings.model_copy(update={"accounts": accounts, "database": database}), file)
    has_url = "url" in (as_table(tables.get("database")) or {})
    return configuration if has_url or not configuration.empty else _with_sandbox_database(configuration)


def _check_deadlines(accounts: tuple[AccountSettings, ...], settings: Settings, errors: ConfigErrors) -> None:
    """Check that no account's default max wait is longer than the longest that a request may set."""
    longest = settings.freshness.deadline_max_seconds
    for index, account in enumerate(accounts):
        if account.deadline_seconds is not None and account.deadline_seconds > longest:
            message = "is longer than freshness.deadline_max_seconds; lower this value or raise that one"
            errors.add(("accounts", index, "deadline_seconds"), message)


def _with_sandbox_database(configuration: Configuration) -> Configuration:
    """Use a separate database, so that simulated resources never appear next to real ones."""
    settings = configuration.settings
    database = settings.database.model_copy(update={"url": SecretStr(SANDBOX_URL)})
    return replace(configuration, settings=settings.model_copy(update={"database": database}))


def _anchored(database: DatabaseSettings, folder: Path) -> DatabaseSettings:
    """Let a relative path of a SQLite file start at this folder."""
    url = database.url.get_secret_value()
    path = url.removeprefix(_SQLITE_FILE)
    if path == url or not path or path.startswith(("/", ":memory:", "file:")):
        return database
    return database.model_copy(update={"url": SecretStr(f"{_SQLITE_FILE}{folder.resolve() / path}")})


def _find_file(config: Path | None, environ: Mapping[str, str], folder: Path) -> Path | None:
    variable = environ.get(FILE_VARIABLE)
    for path, source in ((config, "--config"), (Path(variable) if variable else None, FILE_VARIABLE)):
        if path is not None:
            if not (folder / path).is_file():
                raise ConfigurationError(f"{source}: the file {path} does not exist; check the path")
            return folder / path
    default = folder / DEFAULT_FILE
    return default if default.is_file() else None


def _read_file(file: Path, origins: Origins) -> dict[str, Any]:
    origins.file = file.name
    try:
        text = file.read_text(encoding="utf-8-sig")
        tables = tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file} is not UTF-8 text; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file.name} is not valid TOML: {error}") from None
    origins.lines = TomlLines(text)
    return tables


def _apply_variables(
    tables: dict[str, Any], environ: Mapping[str, str], origins: Origins, errors: ConfigErrors
) -> None:
    """Override single values by variables such as `SUPPLYGRAPH_FRESHNESS__COOLDOWN_SECONDS`.

    A variable with our prefix but without `__` may belong to something else and is ignored.
    """
    for name, text in sorted(environ.items()):
        section, separator, key = name.removeprefix(PREFIX).lower().partition("__")
        if not name.startswith(PREFIX) or not separator:
            continue
        path = (section, key)
        origins.variables[path] = name
        model = _SECTIONS.get(section)
        if model is None:
            errors.add(path, unknown_key(section, _SECTIONS))
            continue
        if as_table(tables.setdefault(section, {})) is not None:
            tables[section][key] = _convert(text, model.model_fields.get(key))


def _convert(text: str, field: Any) -> object:
    """Convert a variable's text to the type of the field. Text that cannot be converted is left to the model to reject."""
    annotation = getattr(field, "annotation", str)
    if annotation in (int, float):
        try:
            return int(text) if annotation is int else float(text)
        except ValueError:
            return text
    if str(annotation).startswith("list"):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _apply_accounts_variable(tables: dict[str, Any], environ: Mapping[str, str], origins: Origins) -> None:
    text = environ.get(ACCOUNTS_VARIABLE)
    if text is None:
        return
    try:
        accounts = json.loads(text)
    except ValueError:
        raise ConfigurationError(
            f"{ACCOUNTS_VARIABLE} is not valid JSON; write a list of accounts with the keys of [[accounts]]"
        ) from None
    origins.variables["accounts",] = ACCOUNTS_VARIABLE
    tables["accounts"] = accounts


def _resolve_url(tables: dict[str, Any], environ: Mapping[str, str], base: Path, errors: ConfigErrors) -> None:
    """Replace a database URL that is a reference by the URL that it refers to."""
    database = as_table(tables.get("database")) or {}
    url = database.get("url")
    if isinstance(url, str) and url.startswith(("env:", "file:")):
        try:
            tables["database"] = {**database, "url": resolve(parse_reference(url), environ, base)}
        except BadSecret as error:
            errors.add(("database", "url"), str(error))


def _read_accounts(
    tables: object, environ: Mapping[str, str], base: Path, errors: ConfigErrors
) -> tuple[AccountSettings, ...]:
    if not isinstance(tables, list):
        errors.add(("accounts",), "must be a list of tables; write [[accounts]] above each account")
        return ()
    accounts: list[AccountSettings] = []
    for index, table in enumerate(tables):
        account = _AccountReader(index, environ, base, errors).read(table)
        if account is None:
            continue
        if account.name in {other.name for other in accounts}:
            message = f"an earlier account has the name '{account.name}' too; give each account its own name"
            errors.add(("accounts", index, "name"), message)
        accounts.append(account)
    return tuple(accounts)


def _types(annotation: object) -> tuple[object, ...]:
    return get_args(annotation) or (annotation,)


def _has_secret_file(table: Mapping[str, object]) -> bool:
    credentials = as_table(table.get("credentials")) or {}
    return any(isinstance(reference, str) and reference.startswith("file:") for reference in credentials.values())


class _AccountReader:
    """Reads one `[[accounts]]` table: the common keys, the vendor's own keys, and the secrets of its credentials."""

    def __init__(self, index: int, environ: Mapping[str, str], base: Path, errors: ConfigErrors) -> None:
        self._path = ("accounts", index)
        self._environ = environ
        self._base = base
        self._errors = errors

    def read(self, value: object) -> AccountSettings | None:
        """Return the account, `None` if it has a mistake."""
        count_before = len(self._errors)
        table = as_table(value)
        if table is None:
            self._errors.add(self._path, "must be a table of an account's settings")
            return None
        common = {key: value for key, value in table.items() if key in COMMON_ACCOUNT_KEYS}
        own = self.read_own(table)
        self._check_endpoint(common)
        try:
            account = AccountSettings.model_validate({**common, "own": own})
        except ValidationError as error:
            self._errors.add_invalid(error, AccountSettings, self._path)
            return None
        if len(self._errors) != count_before:
            return None
        return account.with_secret_files(partial(self.reread_own, table)) if _has_secret_file(table) else account

    def reread_own(self, table: Mapping[str, object]) -> VendorSettings | None:
        """Return the vendor's own settings with the present content of the secrets' files; `None` if one cannot be used."""
        errors = ConfigErrors(Origins())
        own = _AccountReader(self._path[1], self._environ, self._base, errors).read_own(table)
        return None if errors else own

    def read_own(self, table: Mapping[str, object]) -> VendorSettings:
        """Return the vendor's own settings, or empty settings if they contain a mistake."""
        empty = VendorSettings()
        vendor = table.get("vendor")
        if not isinstance(vendor, str):
            return empty
        try:
            model = registry.find(vendor).settings_type
        except ConfigurationError as error:
            self._errors.add((*self._path, "vendor"), str(error).removesuffix("."))
            return empty
        if registry.find(vendor).needs_endpoint and "endpoint" not in table:
            message = "is required but not set: this vendor has no public endpoint"
            self._errors.add((*self._path, "endpoint"), message)
        keys = {key: value for key, value in table.items() if key not in COMMON_ACCOUNT_KEYS}
        for key in sorted(keys.keys() - model.model_fields.keys()):
            self._errors.add((*self._path, key), unknown_key(key, COMMON_ACCOUNT_KEYS | model.model_fields.keys()))
            del keys[key]
        if "credentials" in keys:
            credentials = self._resolve_credentials(keys["credentials"])
            if credentials is None:
                return empty
            keys["credentials"] = credentials
        for key, value in keys.items():
            # Relative paths start at the folder of the configuration file, not at the working directory.
            if isinstance(value, str) and Path in _types(model.model_fields[key].annotation):
                keys[key] = self._base / value
        try:
            return model.model_validate(keys)
        except ValidationError as error:
            self._errors.add_invalid(error, model, self._path)
            return empty

    def _resolve_credentials(self, value: object) -> dict[str, str] | None:
        path = (*self._path, "credentials")
        table = as_table(value)
        if table is None:
            message = 'must be a table; write [accounts.credentials] and below it keys such as api_key = "env:NAME"'
            self._errors.add(path, message)
            return None
        secrets: dict[str, str] = {}
        for key, reference in table.items():
            try:
                secrets[key] = resolve(parse_reference(reference), self._environ, self._base)
            except BadSecret as error:
                self._errors.add((*path, key), str(error))
        return secrets if len(secrets) == len(table) else None

    def _check_endpoint(self, common: dict[str, object]) -> None:
        url = common.get("endpoint")
        if not isinstance(url, str):
            return
        try:
            endpoint.parse(url, "")
        except ConfigurationError as error:
            message = str(error).removeprefix("account '': endpoint ").removesuffix(".")
            self._errors.add((*self._path, "endpoint"), message)
