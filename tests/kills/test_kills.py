"""A kill at any instant leaves a sound record, and the next start goes on from it."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.kills.invariants import broken_rules
from tests.kills.lives import beginning

_ROOT = Path(__file__).resolve().parents[2]
_SEED = 7


def killed(*arguments: str) -> re.Match[str]:
    """Run the killing command, which is a process without threads: it forks. Gives the figures of its last line."""
    ended = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "tests.kills", "--quick", "--seed", str(_SEED), *arguments],
        cwd=_ROOT,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (0, "") == (ended.returncode, ended.stderr), ended.stdout + ended.stderr
    told = re.search(
        r"killed (\d+) times at an await of apply, (\d+) times at random .* left (\d+) different", ended.stdout
    )
    assert told is not None, ended.stdout
    return told


def test_a_kill_at_every_await_of_an_apply() -> None:
    """A sweep of each scope and a probe are in flight; whatever was written is whole, and the rest is found again."""
    told = killed("--every", "sweep")
    # Fewer than this, and the fuse no longer hangs on what the database is asked.
    assert int(told[1]) > 30
    assert int(told[3]) > 1, "no kill came after anything was written"


def test_kills_at_random() -> None:
    """SIGKILL, wherever the engine is in turn after turn of a cloud that changes."""
    assert "10" == killed("--every", "none", "--random", "10")[2]


@pytest.mark.parametrize(
    ("spoiling", "rule"),
    [
        ("UPDATE resources SET status = 'STOPPED' WHERE vendor_id = 'm-1'", "replays as"),
        ("UPDATE history SET after = '\"x\"' WHERE field = 'linkedResources'", "replays as"),
        ("DELETE FROM history WHERE resource_id = (SELECT resource_id FROM resources LIMIT 1)", "does not begin"),
        (
            "INSERT INTO history SELECT seq + 1000, resource_id, account_id, 'name', 'null', '\"x\"', {rest}",
            "which was",
        ),
        ("DELETE FROM links WHERE link_id = (SELECT min(link_id) FROM links)", "0 times there and 1 times back"),
        ("DELETE FROM provenance", "came from no offer"),
        ("DELETE FROM offers", "a foreign key leads nowhere"),
        ("UPDATE resources SET missing_since = created_at", "is marked without its number"),
        ("UPDATE accounts SET flight_no = 1", "drawn are 1"),
        (
            "DROP INDEX uq_resources_living; INSERT INTO resources SELECT {twice} FROM resources LIMIT 1",
            "lives 2 times",
        ),
    ],
)
async def test_a_broken_rule_is_told(tmp_path: Path, spoiling: str, rule: str) -> None:
    """What is looked at after a kill sees each of these."""
    file = tmp_path / "record.db"
    await beginning(file, _SEED)
    assert [] == broken_rules(file)
    with closing(sqlite3.connect(file)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(resources)")]
        twice = ", ".join("'another'" if name == "resource_id" else name for name in columns)
        rest = "observed_at, source, flight_no FROM history WHERE field = 'resource' LIMIT 1"
        connection.executescript(spoiling.format(rest=rest, twice=twice))
        connection.commit()
    assert rule in "\n".join(broken_rules(file))
