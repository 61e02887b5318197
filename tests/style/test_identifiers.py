"""Banned identifiers and duplicate class names."""
# style: allow-file told - quoted definitions

from __future__ import annotations

import pytest

from tests.style.examples import findings, places, source
from tools.style.identifiers import banned_word, check_class_names, check_identifiers, duplicate_classes


@pytest.mark.parametrize(
    "definition",
    [
        "told = 1",
        "told: int = 1",
        "self.told = 1",
        "for told in rows: pass",
        "with rows as told: pass",
        "rows = [told for told in rows]",
        "if (told := rows): pass",
        "def run(told): pass",
        "def run(*, told=1): pass",
        "run = lambda told: 1",
        "def told(): pass",
        "async def told(): pass",
        "class Told: pass",
        "import db as told",
        "try: pass\nexcept OSError as told: pass",
        "match rows:\n  case [*told]: pass",
        "match rows:\n  case {**told}: pass",
        "match rows:\n  case told: pass",
    ],
)
def test_each_kind_of_definition_is_reported(definition: str) -> None:
    """Variables, attributes, parameters, functions, classes and aliases are definitions."""
    assert "told" in {finding.subject for finding in findings(check_identifiers, source(definition))}


@pytest.mark.parametrize(
    "use", ["print(told)", "told.run()", "rows.told()", 'row["told"]', "run(told=1)", "# told", ""]
)
def test_uses_are_not_reported(use: str) -> None:
    """A name is reported where it is defined, not where it is used."""
    assert findings(check_identifiers, source(use)) == []


@pytest.mark.parametrize("name", ["asked", "found", "kept", "known", "made", "told", "_told", "kept_", "KNOWN", "Made"])
def test_banned_names(name: str) -> None:
    """Underscores around a name and its case make no difference."""
    assert name.strip("_").lower() == banned_word(name)


@pytest.mark.parametrize("name", ["told_row", "row_told", "ToldAll", "test_every_metric_is_told"])
def test_one_word_is_banned_within_longer_names(name: str) -> None:
    """`told` is never part of a good name."""
    assert banned_word(name) == "told"


@pytest.mark.parametrize(
    "name", ["not_found", "known_accounts", "unknown", "retold", "stold", "is_known", "_", "scope"]
)
def test_acceptable_names(name: str) -> None:
    """The other words may be part of a longer name."""
    assert banned_word(name) is None


def test_finding_names_the_file_and_the_line() -> None:
    """The line is that of the definition."""
    (finding,) = findings(check_identifiers, source("x = 1\nfound = 2\n", "db/example.py"))
    assert str(finding).startswith("db/example.py:2: `found` ")


def test_files_in_other_languages_are_not_read() -> None:
    """The rule is about Python."""
    assert findings(check_identifiers, source("told = 1", "web/src/example.js")) == []


def test_duplicate_classes_are_reported_at_both_places() -> None:
    """Each message names the other place; classes within classes and functions count."""
    first = source("class Money: pass", "schema/totals.py")
    second = source("def test():\n    class Money: pass\n", "tests/test_totals.py")
    messages = [str(finding) for finding in findings(check_class_names, first, second)]
    assert "schema/totals.py:1: class `Money` is also defined at tests/test_totals.py:2" in messages[0]
    assert "tests/test_totals.py:2: class `Money` is also defined at schema/totals.py:1" in messages[1]


def test_unique_classes_and_migrations_are_not_reported() -> None:
    """A migration repeats definitions as they were at its time."""
    first = source("class Money: pass", "schema/totals.py")
    migration = source("class Money: pass", "db/migrations/versions/0001_initial.py")
    assert duplicate_classes([first, migration, source("class Offer: pass")]) == {}
    assert places(check_class_names, first, migration) == []
