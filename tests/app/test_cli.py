"""Tests of the commands, run against a simulated cloud behind real HTTP."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from domain.timestamps import SystemClock
from sandbox.faults import FaultKind
from sandbox.http.server import SandboxServer, SandboxThread
from sandbox.operations import ApiOperation
from sandbox.world import World
from supplygraph.cli.main import app
from tests.app.harness import KEYS

CONFIGURATION = """\
[[accounts]]
name = "east"
vendor = "sandbox"
endpoint = "{endpoint}"
[accounts.credentials]
api_key = "env:EAST_KEY"

[[accounts]]
name = "west"
vendor = "sandbox"
endpoint = "{endpoint}"
[accounts.credentials]
api_key = "env:WEST_KEY"
"""


@pytest.fixture
def cloud() -> Iterator[SandboxServer]:
    """Run a simulated cloud in its own thread."""
    server = SandboxServer(World.default(SystemClock(), 7, KEYS, lively=False))
    with SandboxThread(server):
        yield server


@pytest.fixture
def folder(tmp_path: Path, cloud: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a folder with a configuration file, and set the keys in the environment."""
    (tmp_path / "supplygraph.toml").write_text(CONFIGURATION.format(endpoint=cloud.url), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "260")
    for name, key in KEYS.items():
        monkeypatch.setenv(f"{name.upper()}_KEY", key)
    return tmp_path


@pytest.fixture
def recorded(folder: Path) -> Path:
    """Sync once, so that there is a database. Return the folder."""
    assert run("sync").exit_code == 0
    return folder


def run(*arguments: str) -> Result:
    """Run `supplygraph` with these arguments."""
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def lose_machines(folder: Path, cloud: SandboxServer, grace_seconds: int = 0) -> None:
    """Sync the machines of an account, remove them from the cloud, and sync again."""
    file = folder / "supplygraph.toml"
    absence = f"[absence]\ngrace_seconds = {grace_seconds}\n\n"
    file.write_text(absence + file.read_text(encoding="utf-8"), encoding="utf-8")
    run("sync", "--account", "east")
    for machine in cloud.world.machines("east"):
        cloud.world.vanish_machine("east", machine.machine_id)
    run("sync", "--account", "east")


def row(table: str, account: str) -> list[str]:
    """Return the cells of the first row of an account, as a terminal shows them."""
    line = next(line for line in table.splitlines() if f"│ {account} " in line)
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_token_create_prints_the_token_on_the_last_line(recorded: Path) -> None:
    """Scripts can read the last line; the line above describes the token."""
    result = run("token", "create", "portal", "--allow", "read", "--account", "east", "--expires", "90d")

    assert 0 == result.exit_code
    description, token = result.output.strip().splitlines()
    assert token.startswith("sg_")
    assert f"Token 'portal' in {recorded / 'supplygraph.db'}: permissions read; accounts east; expires " in description


def test_default_permissions_are_read_and_refresh(recorded: Path) -> None:
    """`token list` shows name and permissions, and never the token."""
    token = run("token", "create", "portal").output.strip().splitlines()[-1]
    output = run("token", "list").output

    assert "portal" in output
    assert "read, refresh" in output
    assert token not in output


def test_revoked_token_is_listed_as_revoked(recorded: Path) -> None:
    """It cannot be revoked again, and its name can be reused."""
    run("token", "create", "portal")

    assert 0 == run("token", "revoke", "portal").exit_code
    assert "revoked" in run("token", "list").output
    again = run("token", "revoke", "portal")
    assert (2, True) == (again.exit_code, "no valid token is named 'portal'" in again.output)
    assert 0 == run("token", "create", "portal").exit_code


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("portal", "--account", "esat"), "--account: no account is named 'esat'; existing accounts: east, west"),
        (
            ("portal", "--expires", "soon"),
            "--expires: 'soon' is not a valid duration; write a number and one of the units s, m, h, d, w",
        ),
        ((" ",), "the name of a token must have 1 to 64 printable characters"),
    ],
)
def test_token_create_reports_invalid_arguments(recorded: Path, arguments: tuple[str, ...], message: str) -> None:
    """The message is on standard error, without a traceback, and the exit code is 2."""
    result = run("token", "create", *arguments)

    assert 2 == result.exit_code
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_token_name_must_be_unique(recorded: Path) -> None:
    """The message says how to revoke the existing token."""
    run("token", "create", "portal")

    result = run("token", "create", "portal")

    assert (2, "a valid token named 'portal' exists; revoke it first: supplygraph token revoke portal") == (
        result.exit_code,
        result.stderr.strip(),
    )


def test_sync_records_the_listed_resources(folder: Path, cloud: SandboxServer) -> None:
    """`sync` prints one row per scope, and `accounts` shows the recorded data afterwards."""
    result = run("sync")

    assert 0 == result.exit_code
    assert 4 == result.stdout.count("complete")
    accounts = run("accounts")
    assert 0 == accounts.exit_code
    assert 4 == accounts.stdout.count("s ago")


def test_sync_lists_only_the_named_account(folder: Path, cloud: SandboxServer) -> None:
    """No call is made for the other account."""
    assert 0 == run("sync", "--account", "east").exit_code

    assert (2, 0) == (cloud.journal.sweeps("east"), cloud.journal.sweeps("west"))
    assert (2, "--account: no account is named 'esat'; configured accounts: east, west") == (
        (result := run("sync", "--account", "esat")).exit_code,
        result.stderr.strip(),
    )


def test_sync_reports_failures(folder: Path, cloud: SandboxServer) -> None:
    """The failure of one account is shown and makes the exit code 1; the other account is synced."""
    cloud.faults.switch_on(FaultKind.UNAUTHORIZED, tenant="east")

    result = run("sync")

    assert 1 == result.exit_code
    assert (2, 2) == (result.stdout.count("AUTH_REJECTED"), result.stdout.count("complete"))
    assert "{" not in result.stderr


def test_narrow_terminal_wraps_long_cells(folder: Path, cloud: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The problem is wrapped and not truncated, however long its words are."""
    cloud.faults.switch_on(FaultKind.UNAUTHORIZED, tenant="east")
    monkeypatch.setenv("COLUMNS", "70")

    result = run("sync").stdout

    assert "…" not in result
    column = "".join(line.split("│")[-2].strip() for line in result.splitlines() if "│" in line)
    assert "list_machines:answered401" in column.replace(" ", "")


def test_check_prints_one_line_per_account_with_advice(folder: Path, cloud: SandboxServer) -> None:
    """Each line says whether the access works and what to do if not. No database is created."""
    success = run("check")
    cloud.faults.switch_on(FaultKind.UNAUTHORIZED, tenant="west")
    failure = run("check")

    assert (0, ["east (sandbox): OK; 6 machines, 3 volumes", "west (sandbox): OK; 6 machines, 3 volumes"]) == (
        success.exit_code,
        success.stdout.splitlines(),
    )
    assert 1 == failure.exit_code
    first, second = failure.stdout.splitlines()
    assert first.startswith("east (sandbox): OK")
    assert second.startswith("west (sandbox): AUTH_REJECTED: ")
    assert "check the account's credentials" in second
    assert not (folder / "supplygraph.db").exists()


def test_rename_keeps_data_and_tokens(folder: Path) -> None:
    """The recorded data and the tokens that see the account use the new name."""
    run("sync")
    run("token", "create", "portal", "--account", "east")

    assert 0 == run("accounts", "rename", "east", "orient").exit_code

    assert "orient" in run("token", "list").stdout
    assert "east" not in run("token", "list").stdout
    assert "orient" in run("accounts").stdout


def test_the_old_name_of_an_account_can_be_used_again(folder: Path) -> None:
    """Both accounts list the same machines, and each has resources of its own."""
    run("sync")
    run("accounts", "rename", "east", "orient")
    file = folder / "supplygraph.toml"
    text = file.read_text(encoding="utf-8")
    east = text[: text.index("[[accounts]]", 1)]
    file.write_text(text + "\n" + east.replace('name = "east"', 'name = "orient"'), encoding="utf-8")

    result = run("sync")

    assert 0 == result.exit_code, result.output
    for name in ("east", "orient", "west"):
        assert ["machines", "-", "6", "complete"] == row(result.stdout, name)[1:5]


def test_what_is_missing_can_be_confirmed(folder: Path, cloud: SandboxServer) -> None:
    """Also if probes answer in unknown words and the scope is not suspect."""
    file = folder / "supplygraph.toml"
    file.write_text("[absence]\ngrace_seconds = 0\n\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
    cloud.faults.switch_on(FaultKind.NOT_FOUND, operation=ApiOperation.GET_MACHINE)
    run("sync")
    cloud.world.vanish_machine("east", cloud.world.machines("east")[0].machine_id)
    run("sync")

    confirmed = run("accounts", "confirm", "east")

    assert "Account 'east': deleted 1 resource." == confirmed.stdout.strip()
    assert ["6", "1"] != row(run("accounts").stdout, "east")[5:7]
    assert "Account 'east': nothing is suspect or missing." == run("accounts", "confirm", "east").stdout.strip()


def test_confirm_and_rename_reject_invalid_names(folder: Path) -> None:
    """An unknown name, or the name of another account, is an error."""
    run("sync")

    unknown, duplicate = run("accounts", "confirm", "esat"), run("accounts", "rename", "east", "west")

    assert (2, "there is no account named 'esat'; recorded accounts: 'east', 'west'") == (
        unknown.exit_code,
        unknown.stderr.strip(),
    )
    assert 2 == duplicate.exit_code
    assert "an account named 'west' already exists" in duplicate.stderr


def test_suspect_scope_can_be_confirmed(folder: Path, cloud: SandboxServer) -> None:
    """An account whose machines all disappeared is suspect until it is confirmed."""
    lose_machines(folder, cloud)
    suspect = run("accounts")

    confirmed = run("accounts", "confirm", "east")

    assert "SUSPECT" in suspect.stdout
    assert "Account 'east': confirmed 1 suspect scope, deleted 6 resources." == confirmed.stdout.strip()
    after = run("accounts").stdout
    assert "SUSPECT" not in after
    assert "Account 'east': nothing is suspect or missing." == run("accounts", "confirm", "east").stdout.strip()


def test_accounts_subcommands_accept_config(folder: Path, cloud: SandboxServer) -> None:
    """`--config` may be before or after the subcommand."""
    (folder / "supplygraph.toml").rename(folder / "other.toml")
    option = ("--config", "other.toml")
    run("sync", *option)

    confirm = run("accounts", "confirm", "east", *option)
    first_rename = run("accounts", *option, "rename", "east", "orient")
    second_rename = run("accounts", "rename", "west", "occident", *option)

    assert (0, "Account 'east': nothing is suspect or missing.") == (confirm.exit_code, confirm.stdout.strip())
    assert (0, 0) == (first_rename.exit_code, second_rename.exit_code)
    assert all(f"│ {name} " in run("accounts", *option).stdout for name in ("orient", "occident"))


def test_confirm_respects_the_grace_period(folder: Path, cloud: SandboxServer) -> None:
    """Resources within the grace period are not deleted, and the output says what to do later."""
    lose_machines(folder, cloud, grace_seconds=120)

    confirmed = run("accounts", "confirm", "east")

    assert (
        "confirmed 1 suspect scope, deleted 0 resources.\nNot deleted: 6 missing resources within" in confirmed.stdout
    )
    assert "SUSPECT" in run("accounts").stdout


def test_confirm_requires_a_configured_account(folder: Path, cloud: SandboxServer) -> None:
    """The recorded data stays unchanged, and the message gives the reason."""
    lose_machines(folder, cloud)
    run("accounts", "rename", "east", "orient")

    result = run("accounts", "confirm", "orient")

    assert (2, "account 'orient' is not configured; add it to [[accounts]] to confirm what its vendor lists") == (
        result.exit_code,
        result.stderr.strip(),
    )


def test_accounts_shows_the_recorded_state(folder: Path, cloud: SandboxServer) -> None:
    """The table has missing resources, the last complete sweep, breakers and errors. A hint names what it cannot show."""
    run("sync")
    cloud.faults.switch_on(FaultKind.RATE_LIMITED, tenant="west", seconds=300)
    vanished = cloud.world.machines("east")[0]
    cloud.world.vanish_machine("east", vanished.machine_id)
    run("sync")

    output = run("accounts").stdout

    east, west = row(output, "east"), row(output, "west")
    assert ["east", "sandbox", "OK", "machines", "-", "6", "1"] == east[:7]
    assert ("OK", "CLOSED", "-", "") == (east[8], east[9], east[10], east[11])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, \d+ s ago", east[7])
    assert ["west", "sandbox", "DOWN", "machines", "-", "6", "0"] == west[:7]
    assert ("FAILED (RATE_LIMITED)", "limited by the vendor") == (west[8], west[10])
    assert re.fullmatch(r"OPEN, retry in \d+ s", west[9])
    assert west[11].startswith(("list_machines: ", "list_volumes: "))
    assert "Only a running gateway knows" in " ".join(output.split())


def test_accounts_table_is_wrapped_on_a_terminal_only(
    folder: Path, cloud: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A narrow terminal wraps long cells; in a pipe each row is one line."""
    cloud.faults.switch_on(FaultKind.UNAUTHORIZED, tenant="east")
    run("sync")
    monkeypatch.setenv("COLUMNS", "100")
    narrow = run("accounts").stdout
    monkeypatch.delenv("COLUMNS")
    piped = run("accounts").stdout

    assert "…" not in narrow
    column = "".join(line.split("│")[3].strip() for line in narrow.splitlines() if "│" in line)
    assert "AUTH_REJECTED" in column
    line = next(line for line in piped.splitlines() if line.strip().startswith("east "))
    assert ["east", "sandbox", "AUTH_REJECTED"] == line.split()[:3]
    assert line.rstrip().endswith("check the account's credentials and what they may list.")


def test_every_command_reports_configuration_errors(folder: Path) -> None:
    """Only the message is on standard error, and the exit code is 2."""
    (folder / "supplygraph.toml").write_text("[server]\nprot = 1\n", encoding="utf-8")

    for command in (("serve",), ("sync",), ("check",), ("accounts",), ("token", "list"), ("token", "create", "x")):
        result = run(*command)
        assert (2, "supplygraph.toml line 2: server.prot: unknown key; did you mean 'port'?") == (
            result.exit_code,
            result.stderr.strip(),
        )


def test_commands_without_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sync` fails, `check` says what `serve` would do, and `accounts` says how to get data."""
    monkeypatch.chdir(tmp_path)

    assert (2, "no account is configured; add [[accounts]] to supplygraph.toml") == (
        (result := run("sync")).exit_code,
        result.stderr.strip(),
    )
    assert "serve would run on the sandbox" in run("check").stdout
    for command in (("accounts",), ("token", "create", "x"), ("token", "list")):
        refused = run(*command)
        assert (2, True) == (
            refused.exit_code,
            f"there is no database {tmp_path / 'sandbox.db'} yet" in refused.stderr,
        )
        assert not list(tmp_path.iterdir())


def test_check_uses_accounts_from_the_environment(
    folder: Path, cloud: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SUPPLYGRAPH_ACCOUNTS replaces the accounts of the file."""
    account = {"name": "alone", "vendor": "sandbox", "endpoint": cloud.url, "credentials": {"api_key": "env:EAST_KEY"}}
    monkeypatch.setenv("SUPPLYGRAPH_ACCOUNTS", json.dumps([account]))

    assert ["alone (sandbox): OK; 6 machines, 3 volumes"] == run("check").stdout.splitlines()


def test_commands_do_not_import_the_server() -> None:
    """Other commands start fast because they import neither the HTTP server nor the graph."""
    process = subprocess.run(
        [sys.executable, "-c", "import sys, supplygraph.cli.main; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"fastapi", "uvicorn", "strawberry", "graphql"} & set(process.stdout.split())
