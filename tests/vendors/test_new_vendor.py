"""Following `docs/vendors.md` adds a vendor: the page's two files are taken from it unchanged."""

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


def test_vendor_of_the_page_passes_the_contract_suite(tmp_path: Path) -> None:
    """The vendor of the page's two files is found, and passes the whole contract suite."""
    texts = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    for name, text in zip(("vendors/tinycloud.py", "tests/matrix/players/tinycloud.py"), texts, strict=True):
        file = tmp_path / name
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")

    process = subprocess.run(  # noqa: S603 - our own interpreter on our own tests
        [sys.executable, "-c", RUN, str(tmp_path), *SUITE],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    assert 0 == process.returncode, process.stdout[-3000:] + process.stderr[-1000:]
    passed = re.search(r"(\d+) passed", process.stdout)
    assert passed is not None
    assert 20 < int(passed[1]), "the suite includes the vendor"
    assert "skipped" not in process.stdout


def test_table_is_what_the_command_prints() -> None:
    """The page contains the table of `tests.vendors.table`."""
    assert "\n".join(rows()) in PAGE
