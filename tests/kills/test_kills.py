"""A kill at any instant leaves sound records, and the next start continues from them."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.kills.gateway import create_database
from tests.kills.invariants import broken_rules

_ROOT = Path(__file__).resolve().parents[2]
_SEED = 7


def run_kills(*arguments: str) -> re.Match[str]:
    """Run the command, which forks and so must have no threads. Return the numbers of its last line."""
    process = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "tests.kills", "--quick", "--seed", str(_SEED), *arguments],
        cwd=_ROOT,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (0, "") == (process.returncode, process.stderr), process.stdout + process.stderr
    match = re.search(
        r"killed (\d+) times at an await of apply, (\d+) times at random .* left (\d+) different", process.stdout
    )
    assert match is not None, process.stdout
    return match


def test_a_kill_at_every_await_of_an_apply() -> None:
    """A sweep of each scope and a probe are in flight. What was written is whole, and the rest is observed again."""
    numbers = run_kills("--every", "sweep")
    # With fewer kills, the fuse would no longer burn at each call of the database.
    assert int(numbers[1]) > 30
    assert int(numbers[3]) > 1, "no kill came after a write"


def test_kills_at_random() -> None:
    """SIGKILL at any moment, over turn after turn of a cloud that changes."""
    assert "10" == run_kills("--every", "none", "--random", "10")[2]


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ("UPDATE resources SET status = 'STOPPED' WHERE vendor_id = 'm-1'", "replays as"),
        ("UPDATE history SET after = '\"x\"' WHERE field = 'linkedResources'", "replays as"),
        (
            "DELETE FROM history WHERE resource_id = (SELECT resource_id FROM resources LIMIT 1)",
            "does not start with a snapshot",
        ),
        (
            "INSERT INTO history SELECT seq + 1000, resource_id, account_id, 'name', 'null', '\"x\"', {rest}",
            "but it was",
        ),
        ("DELETE FROM links WHERE link_id = (SELECT min(link_id) FROM links)", "0 times forward and 1 times backward"),
        ("DELETE FROM provenance", "came from no offer"),
        ("DELETE FROM offers", "a foreign key refers to no row"),
        ("UPDATE resources SET missing_since = created_at", "is missing without its number"),
        ("UPDATE accounts SET flight_no = 1", "only 1 were drawn"),
        (
            "DROP INDEX uq_resources_living; INSERT INTO resources SELECT {twice} FROM resources LIMIT 1",
            "lives 2 times",
        ),
    ],
)
async def test_a_broken_rule_is_reported(tmp_path: Path, damage: str, problem: str) -> None:
    """The checks after a kill notice each of these."""
    file = tmp_path / "record.db"
    await create_database(file, _SEED)
    assert [] == broken_rules(file)
    with closing(sqlite3.connect(file)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(resources)")]
        twice = ", ".join("'another'" if name == "resource_id" else name for name in columns)
        rest = "observed_at, source, flight_no FROM history WHERE field = 'resource' LIMIT 1"
        connection.executescript(damage.format(rest=rest, twice=twice))
        connection.commit()
    assert problem in "\n".join(broken_rules(file))
