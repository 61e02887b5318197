"""The commands, each run as a person runs it, against a simulated cloud behind real HTTP."""

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
from sandbox.world import World
from supplygraph.cli.main import app
from tests.app.running import KEYS

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
    """A simulated cloud on a thread of its own."""
    server = SandboxServer(World.default(SystemClock(), 7, KEYS, lively=False))
    with SandboxThread(server):
        yield server


@pytest.fixture
def here(tmp_path: Path, cloud: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a configuration in it and the keys in the environment."""
    (tmp_path / "supplygraph.toml").write_text(CONFIGURATION.format(endpoint=cloud.url), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "260")
    for name, key in KEYS.items():
        monkeypatch.setenv(f"{name.upper()}_KEY", key)
    return tmp_path


def run(*arguments: str) -> Result:
    """Run `supplygraph` with these arguments."""
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def lost_machines(here: Path, cloud: SandboxServer, grace_seconds: int = 0) -> None:
    """Have the account's machines recorded, and missed by a second listing."""
    file = here / "supplygraph.toml"
    settings = f"[absence]\ngrace_seconds = {grace_seconds}\n\n"
    file.write_text(settings + file.read_text(encoding="utf-8"), encoding="utf-8")
    run("sync", "--account", "east")
    for machine in cloud.world.machines("east"):
        cloud.world.vanish_machine("east", machine.machine_id)
    run("sync", "--account", "east")


def row(table: str, account: str) -> list[str]:
    """The cells of an account's first line."""
    line = next(each for each in table.splitlines() if f"│ {account} " in each)
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_a_token_is_alone_on_the_last_line(here: Path) -> None:
    """Scripts take the last line; what it may do stands above it."""
    told = run("token", "create", "portal", "--allow", "read", "--account", "east", "--expires", "90d")

    assert 0 == told.exit_code
    above, token = told.output.strip().splitlines()
    assert token.startswith("sg_")
    assert "'portal': may read; sees east" in above


def test_a_token_reads_and_refreshes_by_default(here: Path) -> None:
    """Listed by name with what it may do, and never with its text."""
    token = run("token", "create", "portal").output.strip().splitlines()[-1]
    listed = run("token", "list").output

    assert "portal" in listed
    assert "read, refresh" in listed
    assert token not in listed


def test_a_revoked_token_is_listed_as_such(here: Path) -> None:
    """Once revoked it cannot be revoked again, and its name is free."""
    run("token", "create", "portal")

    assert 0 == run("token", "revoke", "portal").exit_code
    assert "revoked" in run("token", "list").output
    again = run("token", "revoke", "portal")
    assert (2, True) == (again.exit_code, "no token named 'portal' is in use" in again.output)
    assert 0 == run("token", "create", "portal").exit_code


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("portal", "--account", "esat"), "--account: no account is named 'esat'; known are: east, west"),
        (
            ("portal", "--expires", "soon"),
            "--expires: 'soon' is no time to live; write a number and a unit of s, m, h, d or w",
        ),
        ((" ",), "a token's name has 1 to 64 letters"),
    ],
)
def test_a_token_that_cannot_be_made_says_why(here: Path, arguments: tuple[str, ...], said: str) -> None:
    """One line on standard error, exit code 2, no traceback."""
    told = run("token", "create", *arguments)

    assert 2 == told.exit_code
    assert said in told.stderr
    assert "Traceback" not in told.output


def test_a_taken_name_is_refused(here: Path) -> None:
    """The cure is in the message."""
    run("token", "create", "portal")

    told = run("token", "create", "portal")

    assert (2, "a token named 'portal' is in use; revoke it first: supplygraph token revoke portal") == (
        told.exit_code,
        told.stderr.strip(),
    )


def test_sync_records_what_the_clouds_tell(here: Path, cloud: SandboxServer) -> None:
    """A table of what was found, one line a scope; the record has it afterwards."""
    told = run("sync")

    assert 0 == told.exit_code
    assert 4 == told.stdout.count("complete")
    accounts = run("accounts")
    assert 0 == accounts.exit_code
    assert 4 == accounts.stdout.count("s ago")


def test_sync_asks_only_the_named_account(here: Path, cloud: SandboxServer) -> None:
    """The other account's cloud is left alone."""
    assert 0 == run("sync", "--account", "east").exit_code

    assert (2, 0) == (cloud.journal.sweeps("east"), cloud.journal.sweeps("west"))
    assert (2, "--account: no account is named 'esat'; configured are: east, west") == (
        (told := run("sync", "--account", "esat")).exit_code,
        told.stderr.strip(),
    )


def test_sync_tells_what_went_wrong(here: Path, cloud: SandboxServer) -> None:
    """One account's failure is told, ends with exit code 1, and leaves the other's result alone."""
    cloud.faults.switch_on(FaultKind.UNAUTHORIZED, tenant="east")

    told = run("sync")

    assert 1 == told.exit_code
    assert (2, 2) == (told.stdout.count("AUTH_REJECTED"), told.stdout.count("complete"))
    assert "{" not in told.stderr


def test_a_narrow_terminal_cuts_nothing(here: Path, cloud: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What went wrong goes on in the next line, however long its words are."""
    cloud.faults.switch_on(FaultKind.UNAUTHORIZED, tenant="east")
    monkeypatch.setenv("COLUMNS", "70")

    told = run("sync").stdout

    assert "…" not in told
    column = "".join(line.split("│")[-2].strip() for line in told.splitlines() if "│" in line)
    assert "list_machines:answered401" in column.replace(" ", "")


def test_check_is_one_line_an_account_with_the_cure(here: Path, cloud: SandboxServer) -> None:
    """Well or not, and what to do; nothing is recorded."""
    well = run("check")
    cloud.faults.switch_on(FaultKind.UNAUTHORIZED, tenant="west")
    unwell = run("check")

    assert (0, ["east (sandbox): well; 6 machines, 3 volumes", "west (sandbox): well; 6 machines, 3 volumes"]) == (
        well.exit_code,
        well.stdout.splitlines(),
    )
    assert 1 == unwell.exit_code
    first, second = unwell.stdout.splitlines()
    assert first.startswith("east (sandbox): well")
    assert second.startswith("west (sandbox): AUTH_REJECTED: ")
    assert "check the account's credentials" in second
    assert not (here / "supplygraph.db").exists()


def test_an_account_is_renamed_with_the_tokens_that_see_it(here: Path) -> None:
    """The record and the visible accounts of tokens follow the name."""
    run("sync")
    run("token", "create", "portal", "--account", "east")

    assert 0 == run("accounts", "rename", "east", "orient").exit_code

    assert "orient" in run("token", "list").stdout
    assert "east" not in run("token", "list").stdout
    assert "orient" in run("accounts").stdout


def test_what_the_operator_says_of_unknown_accounts_is_refused(here: Path) -> None:
    """A name that nobody recorded, or that another account has, is told."""
    run("sync")

    unknown, taken = run("accounts", "confirm", "esat"), run("accounts", "rename", "east", "west")

    assert (2, "no account named 'esat' is recorded; recorded are: 'east', 'west'") == (
        unknown.exit_code,
        unknown.stderr.strip(),
    )
    assert 2 == taken.exit_code
    assert "an account named 'west' is recorded already" in taken.stderr


def test_what_is_suspect_can_be_confirmed(here: Path, cloud: SandboxServer) -> None:
    """An emptied account is suspect; once the operator says that this is the truth it no longer is."""
    lost_machines(here, cloud)
    suspect = run("accounts")

    confirmed = run("accounts", "confirm", "east")

    assert "SUSPECT" in suspect.stdout
    assert "Account 'east': 1 suspect scopes are confirmed; 6 resources are deleted." == confirmed.stdout.strip()
    after = run("accounts").stdout
    assert "SUSPECT" not in after
    assert "Account 'east': nothing is suspect." == run("accounts", "confirm", "east").stdout.strip()


def test_the_operators_words_find_the_configuration_as_every_command_does(here: Path, cloud: SandboxServer) -> None:
    """By `--config`, before the word or behind it."""
    (here / "supplygraph.toml").rename(here / "other.toml")
    named = ("--config", "other.toml")
    run("sync", *named)

    behind = run("accounts", "confirm", "east", *named)
    before = run("accounts", *named, "rename", "east", "orient")
    again = run("accounts", "rename", "west", "occident", *named)

    assert (0, "Account 'east': nothing is suspect.") == (behind.exit_code, behind.stdout.strip())
    assert (0, 0) == (before.exit_code, again.exit_code)
    assert all(f"│ {name} " in run("accounts", *named).stdout for name in ("orient", "occident"))


def test_what_is_too_young_for_a_verdict_is_told(here: Path, cloud: SandboxServer) -> None:
    """Within the grace period not even the operator's word deletes; the cure is in the answer."""
    lost_machines(here, cloud, grace_seconds=120)

    confirmed = run("accounts", "confirm", "east")

    assert "1 suspect scopes are confirmed; 0 resources are deleted.\n6 more are missing" in confirmed.stdout
    assert "SUSPECT" in run("accounts").stdout


def test_an_account_that_is_not_configured_has_nothing_to_confirm(here: Path, cloud: SandboxServer) -> None:
    """Its record is kept as it is; the reason is told."""
    lost_machines(here, cloud)
    run("accounts", "rename", "east", "orient")

    told = run("accounts", "confirm", "orient")

    assert (2, "account 'orient' is not configured, so there is nothing to confirm of it") == (
        told.exit_code,
        told.stderr.strip(),
    )


def test_accounts_are_shown_as_they_stand(here: Path, cloud: SandboxServer) -> None:
    """Marks, the age of the last complete sweep, the breaker and the errors; what only a running gateway knows is said."""
    run("sync")
    cloud.faults.switch_on(FaultKind.RATE_LIMITED, tenant="west", seconds=300)
    vanished = cloud.world.machines("east")[0]
    cloud.world.vanish_machine("east", vanished.machine_id)
    run("sync")

    told = run("accounts").stdout

    east, west = row(told, "east"), row(told, "west")
    assert ["east", "sandbox", "OK", "machines", "-", "6", "1"] == east[:7]
    assert ("OK", "CLOSED", "-", "") == (east[8], east[9], east[10], east[11])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, \d+ s ago", east[7])
    assert ["west", "sandbox", "DOWN", "machines", "-", "6", "0"] == west[:7]
    assert ("FAILED (RATE_LIMITED)", "the vendor's limit") == (west[8], west[10])
    assert re.fullmatch(r"OPEN, \d+ s more", west[9])
    assert west[11].startswith(("list_machines: ", "list_volumes: "))
    assert "known to a running serve alone" in " ".join(told.split())


def test_no_terminal_cuts_an_accounts_name_or_state(
    here: Path, cloud: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A narrow one goes on in the next line; a pipe has every row in one."""
    cloud.faults.switch_on(FaultKind.UNAUTHORIZED, tenant="east")
    run("sync")
    monkeypatch.setenv("COLUMNS", "100")
    narrow = run("accounts").stdout
    monkeypatch.delenv("COLUMNS")
    piped = run("accounts").stdout

    assert "…" not in narrow
    column = "".join(line.split("│")[3].strip() for line in narrow.splitlines() if "│" in line)
    assert "AUTH_REJECTED" in column
    assert ["east", "sandbox", "AUTH_REJECTED"] == row(piped, "east")[:3]
    assert row(piped, "east")[11].endswith("check the account's credentials and what they may list.")


def test_mistakes_of_the_configuration_are_told_by_every_command(here: Path) -> None:
    """The text alone, on standard error, with exit code 2."""
    (here / "supplygraph.toml").write_text("[server]\nprot = 1\n", encoding="utf-8")

    for command in (("serve",), ("sync",), ("check",), ("accounts",), ("token", "list"), ("token", "create", "x")):
        told = run(*command)
        assert (2, "supplygraph.toml line 2: server.prot: unknown key; did you mean 'port'?") == (
            told.exit_code,
            told.stderr.strip(),
        )


def test_nothing_configured_is_said_where_it_matters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without accounts there is nothing to sync, and check says what serve would do."""
    monkeypatch.chdir(tmp_path)

    assert (2, "no account is configured; write [[accounts]] into supplygraph.toml") == (
        (told := run("sync")).exit_code,
        told.stderr.strip(),
    )
    assert "serve would run on the sandbox" in run("check").stdout
    assert "No account is recorded yet" in run("accounts").stdout


def test_accounts_may_come_from_the_environment(
    here: Path, cloud: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole, as JSON; the file's accounts are then left aside."""
    account = {"name": "alone", "vendor": "sandbox", "endpoint": cloud.url, "credentials": {"api_key": "env:EAST_KEY"}}
    monkeypatch.setenv("SUPPLYGRAPH_ACCOUNTS", json.dumps([account]))

    assert ["alone (sandbox): well; 6 machines, 3 volumes"] == run("check").stdout.splitlines()


def test_commands_do_not_load_what_only_serving_needs() -> None:
    """Whoever looks at an account does not wait for an HTTP server and a graph to be loaded."""
    told = subprocess.run(
        [sys.executable, "-c", "import sys, supplygraph.cli.main; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"fastapi", "uvicorn", "strawberry", "graphql"} & set(told.stdout.split())
