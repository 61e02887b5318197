"""A run of the check as a whole."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

import tools.style.__main__ as command
from tests.style.examples import source
from tools.style.check import run
from tools.style.sources import read_repository
from tools.style.spelling import DictionaryMissingError

CLEAN = '"""A module."""\n'
BAD = '"""A module."""\nfound = 1\n'


def test_repository_is_read_without_git(tmp_path: Path) -> None:
    """Built files, dependencies and hidden folders are not read, except the one of the checks."""
    for name in (
        "db/rows.py",
        "README.md",
        "Makefile",
        ".ci/run",
        ".venv/lib/site.py",
        "web/node_modules/a.js",
        "supplygraph/web/assets/page.js",
        "requirements/dev.txt",
        "db/__pycache__/rows.py",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("", encoding="utf-8")
    assert [str(each.path) for each in read_repository(tmp_path)] == [".ci/run", "Makefile", "README.md", "db/rows.py"]


def test_findings_are_in_order_and_can_be_limited_to_folders() -> None:
    """The order is that of the paths, then of the lines."""
    report = run([source(BAD, "db/b.py"), source(BAD, "db/a.py"), source(BAD, "domain/c.py")])
    assert [str(finding.path) for finding in report.findings] == ["db/a.py", "db/b.py", "domain/c.py"]
    assert [str(finding.path) for finding in report.below([PurePosixPath("domain")]).findings] == ["domain/c.py"]
    assert report.by_subject() == {"found": 3}


@pytest.mark.parametrize(("text", "code", "last"), [(CLEAN, 0, "0 findings"), (BAD, 1, "1 findings")])
def test_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, code: int, last: str
) -> None:
    """The command exits 1 if there is a finding, and prints each as `file:line: message`."""
    monkeypatch.setattr(command, "read_repository", lambda: [source(text, "db/a.py")])
    assert code == command.main([])
    lines = capsys.readouterr().out.splitlines()
    assert f"{last}, 0 escapes" == lines[-1]
    assert all(line.startswith("db/a.py:2: ") for line in lines[:-1])


def test_totals(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`--totals` prints a number for each subject."""
    monkeypatch.setattr(command, "read_repository", lambda: [source(BAD)])
    assert command.main(["--totals"]) == 1
    assert capsys.readouterr().out.split() == ["1", "found", "1", "findings,", "0", "escapes"]


def test_a_file_that_is_not_python_stops_the_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A syntax error is not a finding."""
    monkeypatch.setattr(command, "read_repository", lambda: [source("def (")])
    assert command.main([]) == 2
    assert "could not run" in capsys.readouterr().err


def test_without_a_dictionary_the_other_rules_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code says that the check was not complete."""

    def missing() -> None:
        raise DictionaryMissingError("codespell is not installed")

    monkeypatch.setattr(command, "read_repository", lambda: [source(BAD)])
    monkeypatch.setattr(command, "corrections", missing)
    assert command.main([]) == 2
    output = capsys.readouterr()
    assert "codespell is not installed" in output.err
    assert "1 findings, 0 escapes" in output.out
