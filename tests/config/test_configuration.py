"""Tests of the configuration: where each value comes from, and how mistakes are reported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from domain.errors import ConfigurationError
from domain.rules import AbsenceRules, FreshnessRules
from supplygraph.config.load import Configuration, load
from supplygraph.config.settings import Settings

SECRET = "do-not-tell-9f8e7d6c"
ENVIRON = {"LAMBDA_API_KEY": SECRET, "AWS_ACCESS_KEY_ID": "AKIA0", "AWS_SECRET_ACCESS_KEY": SECRET}
LAB = """\
[[accounts]]
name = "lab"
vendor = "lambda"
[accounts.credentials]
api_key = "env:LAMBDA_API_KEY"
"""


def load_text(tmp_path: Path, text: str | None, **environ: str) -> Configuration:
    """Load a configuration file with this text, or no file."""
    if text is not None:
        (tmp_path / "supplygraph.toml").write_text(text, encoding="utf-8")
    return load(None, {**ENVIRON, **environ}, tmp_path)


def load_error(tmp_path: Path, text: str | None, **environ: str) -> str:
    """Return the error message of an invalid configuration."""
    with pytest.raises(ConfigurationError) as error:
        load_text(tmp_path, text, **environ)
    assert SECRET not in str(error.value)
    return str(error.value)


def test_defaults_without_file_and_variables(tmp_path: Path) -> None:
    """Without a file and variables every setting has its default, which equals the default of the rules."""
    configuration = load_text(tmp_path, None)

    assert Settings().model_copy(update={"database": configuration.settings.database}) == configuration.settings
    assert configuration.empty
    assert FreshnessRules() == configuration.settings.freshness.rules()
    assert AbsenceRules() == configuration.settings.absence.rules()


@pytest.mark.parametrize(
    ("text", "environ", "file"),
    [
        (None, {}, "sandbox.db"),
        ("", {}, "{folder}/supplygraph.db"),
        (None, {"SUPPLYGRAPH_DATABASE__URL": "sqlite+aiosqlite:///mine.db"}, "{folder}/mine.db"),
        (
            None,
            {
                "SUPPLYGRAPH_ACCOUNTS": '[{"name": "lab", "vendor": "lambda", "credentials": {"api_key": "env:LAMBDA_API_KEY"}}]'
            },
            "{folder}/supplygraph.db",
        ),
    ],
)
def test_sandbox_has_its_own_database(tmp_path: Path, text: str | None, environ: dict[str, str], file: str) -> None:
    """The sandbox database is used only if nothing is configured, and a configured database is always used."""
    url = load_text(tmp_path, text, **environ).settings.database.url.get_secret_value()
    assert f"sqlite+aiosqlite:///{file.format(folder=tmp_path)}" == url


def test_account_has_the_vendor_settings_and_the_secret(tmp_path: Path) -> None:
    """The vendor's model validates its own settings, and the reference to the secret is resolved."""
    configuration = load_text(tmp_path, LAB)
    (account,) = configuration.settings.accounts

    assert ("lab", "lambda", None) == (account.name, account.vendor, account.endpoint)
    assert account.own.credentials.api_key.get_secret_value() == SECRET  # type: ignore[attr-defined]
    assert not configuration.empty


def test_printed_settings_contain_no_secret(tmp_path: Path) -> None:
    """Neither the settings nor their dump contains a secret or the URL of the database."""
    settings = load_text(tmp_path, LAB + '[database]\nurl = "sqlite+aiosqlite:///hidden.db"\n').settings

    text = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert SECRET not in text
    assert "hidden.db" not in text


def test_variable_overrides_the_file(tmp_path: Path) -> None:
    """Variables take precedence over the file, and the file over the defaults."""
    settings = load_text(
        tmp_path,
        "[freshness]\ncooldown_seconds = 60\nfloor_seconds = 1\n",
        SUPPLYGRAPH_FRESHNESS__COOLDOWN_SECONDS="12.5",
        SUPPLYGRAPH_SERVER__ALLOWED_ORIGINS="https://a.example, https://b.example",
        SUPPLYGRAPH_SERVER__PORT="9000",
    ).settings

    assert (12.5, 1) == (settings.freshness.cooldown_seconds, settings.freshness.floor_seconds)
    assert ["https://a.example", "https://b.example"] == settings.server.allowed_origins
    assert 9000 == settings.server.port


def test_accounts_variable_replaces_the_accounts_of_the_file(tmp_path: Path) -> None:
    """SUPPLYGRAPH_ACCOUNTS contains the complete list of accounts."""
    accounts = [{"name": "other", "vendor": "lambda", "credentials": {"api_key": "env:LAMBDA_API_KEY"}}]

    settings = load_text(tmp_path, LAB, SUPPLYGRAPH_ACCOUNTS=json.dumps(accounts)).settings

    assert ["other"] == [account.name for account in settings.accounts]


def test_precedence_of_the_configuration_files(tmp_path: Path) -> None:
    """`--config` takes precedence over SUPPLYGRAPH_CONFIG, which takes precedence over the file in the folder."""
    for name, port in (("supplygraph.toml", 1), ("variable.toml", 2), ("option.toml", 3)):
        (tmp_path / name).write_text(f"[server]\nport = {port}\n", encoding="utf-8")
    environ = {"SUPPLYGRAPH_CONFIG": "variable.toml"}

    assert 1 == load(None, {}, tmp_path).settings.server.port
    assert 2 == load(None, environ, tmp_path).settings.server.port
    assert 3 == load(Path("option.toml"), environ, tmp_path).settings.server.port


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    """A file that was named explicitly is never silently replaced by the defaults."""
    with pytest.raises(ConfigurationError, match=r"^--config: the file gone\.toml does not exist; check the path$"):
        load(Path("gone.toml"), {}, tmp_path)
    with pytest.raises(ConfigurationError, match=r"^SUPPLYGRAPH_CONFIG: the file gone\.toml does not exist"):
        load(None, {"SUPPLYGRAPH_CONFIG": "gone.toml"}, tmp_path)


AWS = """\
[[accounts]]
name = "research"
vendor = "aws"
regions = ["us-east-1"]
[accounts.credentials]
access_key_id = "env:AWS_ACCESS_KEY_ID"
secret_access_key = "env:AWS_SECRET_ACCESS_KEY"
"""

BAD_FILES = [
    ("[freshness]\ncooldwn_seconds = 5\n",
     "supplygraph.toml line 2: freshness.cooldwn_seconds: unknown key; did you mean 'cooldown_seconds'?"),
    ("[server]\nport = 1\n[frehsness]\n",
     "supplygraph.toml line 3: frehsness: unknown key; did you mean 'freshness'?"),
    ("[history]\nzzz = 1\n", "supplygraph.toml line 2: history.zzz: unknown key; valid keys: keep_days"),
    ("[server]\n\nport = 70000\n", "supplygraph.toml line 3: server.port: must be less than or equal to 65535"),
    ('[server]\nport = "8000"\n', "supplygraph.toml line 2: server.port: must be a valid integer"),
    ("[freshness]\ncooldown_seconds = -1\n",
     "supplygraph.toml line 2: freshness.cooldown_seconds: must be greater than or equal to 0"),
    ("[freshness]\ncooldown_seconds = inf\n",
     "supplygraph.toml line 2: freshness.cooldown_seconds: must be a finite number"),
    ("[freshness]\ncooldown_seconds = true\n",
     "supplygraph.toml line 2: freshness.cooldown_seconds: must be a valid number"),
    ("[freshness]\ndeadline_seconds = 90\n",
     "supplygraph.toml line 1: freshness: deadline_seconds must not be larger than deadline_max_seconds"),
    ('[server]\nallowed_origins = ["portal.example.com"]\n',
     "supplygraph.toml line 2: server.allowed_origins[1]: "
     "is not an origin; write only scheme and host, such as https://portal.example.com"),
    ("server = 1\n",
     "supplygraph.toml line 1: server: must be a table; write [server]"),
    ("[server\n", "supplygraph.toml is not valid TOML: Expected ']' at the end of a table declaration (at line 1, column 8)"),
    (LAB.replace("env:LAMBDA_API_KEY", SECRET),
     "supplygraph.toml line 5: accounts[1].credentials.api_key: "
     "credentials must not be written into the configuration; "
     'store this one in an environment variable or a file, and write "env:NAME" or "file:PATH" here'),
    (LAB.replace("LAMBDA_API_KEY", "NOT_SET"),
     "supplygraph.toml line 5: accounts[1].credentials.api_key: the environment variable NOT_SET is not set or is empty"),
    (LAB.replace("env:LAMBDA_API_KEY", "file:gone.key"),
     "supplygraph.toml line 5: accounts[1].credentials.api_key: "
     "the file gone.key cannot be read: No such file or directory"),
    (LAB.replace("api_key", "api_kye"),
     "supplygraph.toml line 4: accounts[1].credentials.api_key: is required but not set\n"
     "supplygraph.toml line 5: accounts[1].credentials.api_kye: unknown key; did you mean 'api_key'?"),
    (LAB + LAB,
     "supplygraph.toml line 7: accounts[2].name: an earlier account has the name 'lab' too; give each account its own name"),
    (LAB.replace('"lab"', '""'), "supplygraph.toml line 2: accounts[1].name: must have at least 1 character"),
    (LAB.replace('name = "lab"\n', ""), "supplygraph.toml line 1: accounts[1].name: is required but not set"),
    (LAB.replace('vendor = "lambda"\n', ""), "supplygraph.toml line 1: accounts[1].vendor: is required but not set"),
    (LAB.replace("[accounts.credentials]", 'endpoint = "http://me:pw@127.0.0.1"\n[accounts.credentials]'),
     "supplygraph.toml line 4: accounts[1].endpoint: "
     "must not hold credentials; they belong in [accounts.credentials]"),
    (LAB.replace("[accounts.credentials]", "colour = 1\n[accounts.credentials]"),
     "supplygraph.toml line 4: accounts[1].colour: unknown key; valid keys: "
     "budget_share, cooldown_seconds, credentials, deadline_seconds, endpoint, flight_seconds, keep_fresh_idle_seconds, "
     "keep_fresh_moving_seconds, keep_fresh_seconds, kinds, max_answer_mb, name, vendor"),
    (LAB.replace("[accounts.credentials]", "deadline_seconds = 61\n[accounts.credentials]"),
     "supplygraph.toml line 4: accounts[1].deadline_seconds: "
     "is longer than freshness.deadline_max_seconds; lower this value or raise that one"),
    ('[accounts]\nname = "a"\n',
     "supplygraph.toml line 1: accounts: must be a list of tables; write [[accounts]] above each account"),
    (LAB.replace('"lambda"', '"sandbox"'),
     "supplygraph.toml line 1: accounts[1].endpoint: is required but not set: this vendor has no public endpoint"),
    (AWS.replace('regions = ["us-east-1"]\n', ""),
     "supplygraph.toml line 1: accounts[1].regions: "
     'aws is listed region by region: name them, as in regions = ["us-east-1"]'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BAD_FILES)
def test_mistake_is_reported_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    """The message names file, line and key, says what to do and does not contain the value."""
    assert message == load_error(tmp_path, text)


def test_mistakes_are_reported_together(tmp_path: Path) -> None:
    """One run reports every mistake."""
    message = load_error(
        tmp_path, f"[server]\nprot = 1\n[history]\nkeep_days = 0\n{LAB.replace('env:LAMBDA_API_KEY', SECRET)}"
    )

    assert [" line 9: ", " line 2: ", " line 4: "] == [
        f" {line.split(': ')[0].split(' ', 1)[1]}: " for line in message.splitlines()
    ]


def test_unknown_vendor_is_reported_with_the_valid_ones(tmp_path: Path) -> None:
    """The message lists the valid vendors."""
    message = load_error(tmp_path, LAB.replace('"lambda"', '"lambada"'))

    assert message.startswith("supplygraph.toml line 3: accounts[1].vendor: vendor 'lambada' is not known; known are: ")
    assert "lambda" in message.partition("known are: ")[2]


def test_empty_regions_are_rejected(tmp_path: Path) -> None:
    """An account without a region would list nothing, which is a mistake and not an empty cloud."""
    message = load_error(tmp_path, AWS.replace('["us-east-1"]', "[]"))

    assert message.startswith("supplygraph.toml line 4: accounts[1].regions: ")


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("SUPPLYGRAPH_FRESHNESS__COOLDWN_SECONDS", "5",
         "SUPPLYGRAPH_FRESHNESS__COOLDWN_SECONDS: freshness.cooldwn_seconds: unknown key; did you mean 'cooldown_seconds'?"),
        ("SUPPLYGRAPH_FRESHNESS__COOLDOWN_SECONDS", "soon",
         "SUPPLYGRAPH_FRESHNESS__COOLDOWN_SECONDS: freshness.cooldown_seconds: must be a valid number"),
        ("SUPPLYGRAPH_SEVER__PORT", "1", "SUPPLYGRAPH_SEVER__PORT: sever.port: unknown key; did you mean 'server'?"),
        ("SUPPLYGRAPH_ACCOUNTS", "{",
         "SUPPLYGRAPH_ACCOUNTS is not valid JSON; write a list of accounts with the keys of [[accounts]]"),
        ("SUPPLYGRAPH_ACCOUNTS", '[{"name": "a", "vendor": "lambda", "credentials": {"api_key": "' + SECRET + '"}}]',
         "SUPPLYGRAPH_ACCOUNTS: accounts[1].credentials.api_key: "
         "credentials must not be written into the configuration; "
         'store this one in an environment variable or a file, and write "env:NAME" or "file:PATH" here'),
    ],
)  # fmt: skip
def test_mistake_in_a_variable_names_the_variable(tmp_path: Path, variable: str, text: str, message: str) -> None:
    """The message begins with the name of the variable."""
    assert message == load_error(tmp_path, None, **{variable: text})


def test_relative_path_starts_at_the_folder_of_the_configuration(tmp_path: Path) -> None:
    """A relative `price_file` is relative to the configuration file, not to the working directory."""
    (account,) = load_text(tmp_path, AWS.replace("regions", 'price_file = "prices.toml"\nregions')).settings.accounts

    assert tmp_path / "prices.toml" == account.own.price_file  # type: ignore[attr-defined]


def test_database_url_may_be_a_reference(tmp_path: Path) -> None:
    """A URL with a password can be stored outside of the file."""
    settings = load_text(tmp_path, '[database]\nurl = "env:DATABASE"\n', DATABASE="sqlite+aiosqlite:///x.db").settings

    assert f"sqlite+aiosqlite:///{tmp_path}/x.db" == settings.database.url.get_secret_value()
