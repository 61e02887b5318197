"""The configuration: what it may hold, what comes from where, and that each mistake is told with its line."""

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


def loaded(tmp_path: Path, text: str | None, **environ: str) -> Configuration:
    """The configuration of a file with this text, or of none."""
    if text is not None:
        (tmp_path / "supplygraph.toml").write_text(text, encoding="utf-8")
    return load(None, {**ENVIRON, **environ}, tmp_path)


def refusal(tmp_path: Path, text: str | None, **environ: str) -> str:
    """What is said of a configuration that is refused."""
    with pytest.raises(ConfigurationError) as refused:
        loaded(tmp_path, text, **environ)
    assert SECRET not in str(refused.value)
    return str(refused.value)


def test_nothing_configured_is_every_default(tmp_path: Path) -> None:
    """Without a file and variables the defaults stand, equal to those of the rules, and nothing is configured."""
    configuration = loaded(tmp_path, None)

    assert Settings().model_copy(update={"database": configuration.settings.database}) == configuration.settings
    assert configuration.empty
    assert FreshnessRules() == configuration.settings.freshness.rules()
    assert AbsenceRules() == configuration.settings.absence.rules()


@pytest.mark.parametrize(
    ("text", "environ", "file"),
    [
        (None, {}, "sandbox.db"),
        ("", {}, "supplygraph.db"),
        (None, {"SUPPLYGRAPH_DATABASE__URL": "sqlite+aiosqlite:///mine.db"}, "mine.db"),
        (
            None,
            {
                "SUPPLYGRAPH_ACCOUNTS": '[{"name": "lab", "vendor": "lambda", "credentials": {"api_key": "env:LAMBDA_API_KEY"}}]'
            },
            "supplygraph.db",
        ),
    ],
)
def test_what_is_simulated_has_a_record_of_its_own(
    tmp_path: Path, text: str | None, environ: dict[str, str], file: str
) -> None:
    """Where nothing is configured, and only there; a database that is named is used."""
    url = loaded(tmp_path, text, **environ).settings.database.url.get_secret_value()
    assert f"sqlite+aiosqlite:///{file}" == url


def test_an_account_has_its_vendors_keys_and_its_secret(tmp_path: Path) -> None:
    """The vendor's own settings are read by the vendor, with the secret from where the file says it is."""
    configuration = loaded(tmp_path, LAB)
    (account,) = configuration.settings.accounts

    assert ("lab", "lambda", None) == (account.name, account.vendor, account.endpoint)
    assert account.own.credentials.api_key.get_secret_value() == SECRET  # type: ignore[attr-defined]
    assert not configuration.empty


def test_no_secret_is_in_what_is_printed(tmp_path: Path) -> None:
    """Neither the settings nor their dump shows a secret or the database's URL."""
    settings = loaded(tmp_path, LAB + '[database]\nurl = "sqlite+aiosqlite:///hidden.db"\n').settings

    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert SECRET not in shown
    assert "hidden.db" not in shown


def test_a_variable_overrides_the_file(tmp_path: Path) -> None:
    """The environment wins over the file, and both over the defaults."""
    settings = loaded(
        tmp_path,
        "[freshness]\ncooldown_seconds = 60\nfloor_seconds = 1\n",
        SUPPLYGRAPH_FRESHNESS__COOLDOWN_SECONDS="12.5",
        SUPPLYGRAPH_SERVER__ALLOWED_ORIGINS="https://a.example, https://b.example",
        SUPPLYGRAPH_SERVER__PORT="9000",
    ).settings

    assert (12.5, 1) == (settings.freshness.cooldown_seconds, settings.freshness.floor_seconds)
    assert ["https://a.example", "https://b.example"] == settings.server.allowed_origins
    assert 9000 == settings.server.port


def test_accounts_come_whole_from_the_environment(tmp_path: Path) -> None:
    """SUPPLYGRAPH_ACCOUNTS replaces the file's accounts."""
    accounts = [{"name": "other", "vendor": "lambda", "credentials": {"api_key": "env:LAMBDA_API_KEY"}}]

    settings = loaded(tmp_path, LAB, SUPPLYGRAPH_ACCOUNTS=json.dumps(accounts)).settings

    assert ["other"] == [account.name for account in settings.accounts]


def test_the_file_is_found_in_the_order_of_the_design(tmp_path: Path) -> None:
    """`--config` wins over SUPPLYGRAPH_CONFIG, which wins over the file that lies here."""
    for name, port in (("supplygraph.toml", 1), ("named.toml", 2), ("given.toml", 3)):
        (tmp_path / name).write_text(f"[server]\nport = {port}\n", encoding="utf-8")
    named = {"SUPPLYGRAPH_CONFIG": "named.toml"}

    assert 1 == load(None, {}, tmp_path).settings.server.port
    assert 2 == load(None, named, tmp_path).settings.server.port
    assert 3 == load(Path("given.toml"), named, tmp_path).settings.server.port


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    """A file that somebody named is never silently replaced by the defaults."""
    with pytest.raises(ConfigurationError, match=r"^--config names gone\.toml, and there is no such file$"):
        load(Path("gone.toml"), {}, tmp_path)
    with pytest.raises(ConfigurationError, match=r"^SUPPLYGRAPH_CONFIG names gone\.toml"):
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
    ("[history]\nzzz = 1\n", "supplygraph.toml line 2: history.zzz: unknown key; known are keep_days"),
    ("[server]\n\nport = 70000\n", "supplygraph.toml line 3: server.port: should be less than or equal to 65535"),
    ('[server]\nport = "8000"\n', "supplygraph.toml line 2: server.port: should be a valid integer"),
    ("[freshness]\ncooldown_seconds = -1\n",
     "supplygraph.toml line 2: freshness.cooldown_seconds: should be greater than or equal to 0"),
    ("[freshness]\ncooldown_seconds = inf\n",
     "supplygraph.toml line 2: freshness.cooldown_seconds: should be a finite number"),
    ("[freshness]\ncooldown_seconds = true\n",
     "supplygraph.toml line 2: freshness.cooldown_seconds: should be a valid number"),
    ("[freshness]\ndeadline_seconds = 90\n",
     "supplygraph.toml line 1: freshness: deadline_seconds is larger than deadline_max_seconds"),
    ('[server]\nallowed_origins = ["portal.example.com"]\n',
     "supplygraph.toml line 2: server.allowed_origins[1]: "
     "is no origin; write scheme and host alone, as https://portal.example.com"),
    ("server = 1\n",
     "supplygraph.toml line 1: server: should be a valid dictionary or instance of ServerSettings"),
    ("[server\n", "supplygraph.toml is no TOML: Expected ']' at the end of a table declaration (at line 1, column 8)"),
    (LAB.replace("env:LAMBDA_API_KEY", SECRET),
     "supplygraph.toml line 5: accounts[1].credentials.api_key: a credential is written out; "
     'put it into the environment or a file, and write "env:NAME" or "file:PATH" here'),
    (LAB.replace("LAMBDA_API_KEY", "NOT_SET"),
     "supplygraph.toml line 5: accounts[1].credentials.api_key: the environment variable NOT_SET is not set, or empty"),
    (LAB.replace("env:LAMBDA_API_KEY", "file:gone.key"),
     "supplygraph.toml line 5: accounts[1].credentials.api_key: "
     "the file gone.key cannot be read: No such file or directory"),
    (LAB.replace("api_key", "api_kye"),
     "supplygraph.toml line 4: accounts[1].credentials.api_key: is needed and not given\n"
     "supplygraph.toml line 5: accounts[1].credentials.api_kye: unknown key; did you mean 'api_key'?"),
    (LAB + LAB.replace("lambda", "lambda"),
     "supplygraph.toml line 7: accounts[2].name: 'lab' names two accounts; a name is an identity"),
    (LAB.replace('"lab"', '""'), "supplygraph.toml line 2: accounts[1].name: string should have at least 1 character"),
    (LAB.replace('name = "lab"\n', ""), "supplygraph.toml line 1: accounts[1].name: is needed and not given"),
    (LAB.replace('vendor = "lambda"\n', ""), "supplygraph.toml line 1: accounts[1].vendor: is needed and not given"),
    (LAB.replace("[accounts.credentials]", 'endpoint = "http://me:pw@127.0.0.1"\n[accounts.credentials]'),
     "supplygraph.toml line 4: accounts[1].endpoint: "
     "must not hold credentials; they belong in [accounts.credentials]"),
    (LAB.replace("[accounts.credentials]", "colour = 1\n[accounts.credentials]"),
     "supplygraph.toml line 4: accounts[1].colour: unknown key; known are "
     "budget_share, cooldown_seconds, credentials, deadline_seconds, endpoint, flight_seconds, keep_fresh_idle_seconds, "
     "keep_fresh_moving_seconds, "
     "keep_fresh_seconds, name, vendor"),
    (LAB.replace("[accounts.credentials]", "deadline_seconds = 61\n[accounts.credentials]"),
     "supplygraph.toml line 4: accounts[1].deadline_seconds: "
     "is longer than freshness.deadline_max_seconds; make this shorter or that longer"),
    ('[accounts]\nname = "a"\n',
     "supplygraph.toml line 1: accounts: is no list of tables; write [[accounts]] above each account"),
    (LAB.replace('"lambda"', '"sandbox"'),
     "supplygraph.toml line 1: accounts[1].endpoint: is needed and not given: this vendor has no public address"),
    (AWS.replace('regions = ["us-east-1"]\n', ""),
     "supplygraph.toml line 1: accounts[1].regions: "
     'aws is listed region by region: name them, as in regions = ["us-east-1"]'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BAD_FILES)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    """Each mistake is named by file, line and key, with the cure where there is one, and without the value."""
    assert said == refusal(tmp_path, text)


def test_several_mistakes_are_told_together(tmp_path: Path) -> None:
    """Nobody has to start once for every mistake."""
    said = refusal(
        tmp_path, f"[server]\nprot = 1\n[history]\nkeep_days = 0\n{LAB.replace('env:LAMBDA_API_KEY', SECRET)}"
    )

    assert [" line 9: ", " line 2: ", " line 4: "] == [
        f" {part.split(': ')[0].split(' ', 1)[1]}: " for part in said.splitlines()
    ]


def test_an_unknown_vendor_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    """The error lists what could be written instead."""
    said = refusal(tmp_path, LAB.replace('"lambda"', '"lambada"'))

    assert said.startswith("supplygraph.toml line 3: accounts[1].vendor: vendor 'lambada' is not known; known are: ")
    assert "lambda" in said.partition("known are: ")[2]


def test_empty_regions_are_refused(tmp_path: Path) -> None:
    """An account that would list nothing is a mistake, not an empty cloud."""
    said = refusal(tmp_path, AWS.replace('["us-east-1"]', "[]"))

    assert said.startswith("supplygraph.toml line 4: accounts[1].regions: ")


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("SUPPLYGRAPH_FRESHNESS__COOLDWN_SECONDS", "5",
         "SUPPLYGRAPH_FRESHNESS__COOLDWN_SECONDS: freshness.cooldwn_seconds: unknown key; did you mean 'cooldown_seconds'?"),
        ("SUPPLYGRAPH_FRESHNESS__COOLDOWN_SECONDS", "soon",
         "SUPPLYGRAPH_FRESHNESS__COOLDOWN_SECONDS: freshness.cooldown_seconds: should be a valid number"),
        ("SUPPLYGRAPH_SEVER__PORT", "1", "SUPPLYGRAPH_SEVER__PORT: sever.port: unknown key; did you mean 'server'?"),
        ("SUPPLYGRAPH_ACCOUNTS", "{",
         "SUPPLYGRAPH_ACCOUNTS is no JSON; write a list of accounts, with the keys of [[accounts]]"),
        ("SUPPLYGRAPH_ACCOUNTS", '[{"name": "a", "vendor": "lambda", "credentials": {"api_key": "' + SECRET + '"}}]',
         "SUPPLYGRAPH_ACCOUNTS: accounts[1].credentials.api_key: a credential is written out; "
         'put it into the environment or a file, and write "env:NAME" or "file:PATH" here'),
    ],
)  # fmt: skip
def test_a_mistake_in_a_variable_names_the_variable(tmp_path: Path, variable: str, text: str, said: str) -> None:
    """The environment's mistakes are told by the variable's name."""
    assert said == refusal(tmp_path, None, **{variable: text})


def test_a_file_that_a_vendor_names_lies_beside_the_configuration(tmp_path: Path) -> None:
    """A relative path starts at the folder of the file that names it."""
    (account,) = loaded(tmp_path, AWS.replace("regions", 'price_file = "prices.toml"\nregions')).settings.accounts

    assert tmp_path / "prices.toml" == account.own.price_file  # type: ignore[attr-defined]


def test_the_database_may_be_named_by_reference(tmp_path: Path) -> None:
    """A URL with a password need not stand in the file."""
    settings = loaded(tmp_path, '[database]\nurl = "env:DATABASE"\n', DATABASE="sqlite+aiosqlite:///x.db").settings

    assert "sqlite+aiosqlite:///x.db" == settings.database.url.get_secret_value()
