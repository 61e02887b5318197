"""A reader who follows `docs/vendors.md` adds a vendor: one file and a player, taken from the page as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.vendors.table import rows

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "vendors.md").read_text(encoding="utf-8")
RUN = """
import sys
import vendors, tests.matrix.players
vendors.__path__.append(sys.argv[1] + "/vendors")
tests.matrix.players.__path__.append(sys.argv[1] + "/tests/matrix/players")
import pytest
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "-k", "tinycloud", *sys.argv[2:]]))
"""
SUITE = ("tests/vendors/test_contract.py", "tests/vendors/test_contract_responses.py")


def test_the_page_is_followed(tmp_path: Path) -> None:
    """The two files of the page, and nothing else: the vendor is found, and passes the whole contract suite."""
    texts = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    for name, text in zip(("vendors/tinycloud.py", "tests/matrix/players/tinycloud.py"), texts, strict=True):
        file = tmp_path / name
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")

    ended = subprocess.run(  # noqa: S603 - our own interpreter on our own tests
        [sys.executable, "-c", RUN, str(tmp_path), *SUITE],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    assert 0 == ended.returncode, ended.stdout[-3000:] + ended.stderr[-1000:]
    passed = re.search(r"(\d+) passed", ended.stdout)
    assert passed is not None
    assert 20 < int(passed[1]), "the suite took it up"
    assert "skipped" not in ended.stdout


def test_the_table_is_what_the_command_prints() -> None:
    """What was proven of each vendor, and what a sweep costs."""
    assert "\n".join(rows()) in PAGE
