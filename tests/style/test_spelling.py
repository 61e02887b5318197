"""Misspelled words."""
# style: allow-file spelling - the tests quote misspelled words

from __future__ import annotations

import pytest

import tools.style.spelling as spelling_module
from tests.style.examples import findings, source
from tools.style.spelling import DictionaryMissingError, check_spelling, corrections


def test_misspelled_words_are_reported_with_the_correction() -> None:
    """Comments, docstrings, messages and documents are read."""
    for text, path in [
        ("# Recieve the rows.", "db/rows.py"),
        ('"""Recieve the rows."""', "db/rows.py"),
        ('raise ValueError("cannot recieve the rows")', "db/rows.py"),
        ("Recieve the rows.", "README.md"),
    ]:
        (finding,) = findings(check_spelling, source(text, path))
        assert 'write "receive"' in finding.message.lower()


@pytest.mark.parametrize(
    "text", ["# Receive `recieve` the rows.", "recieve = 1", '"key-an0ther"', "# https://a.b/recieve"]
)
def test_code_and_correct_words_are_not_reported(text: str) -> None:
    """Identifiers, code spans, addresses and parts of words are not prose."""
    assert findings(check_spelling, source(text)) == []


def test_missing_dictionary_is_an_error_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the cure."""

    def absent(_name: str) -> None:
        raise ModuleNotFoundError

    corrections.cache_clear()
    monkeypatch.setattr(spelling_module, "files", absent)
    with pytest.raises(DictionaryMissingError, match="make setup"):
        corrections()
