"""Words and phrases to avoid in text that people read."""
# style: allow-file amiss, archaic, beside, besides, by-itself, is-no, kept, so-many, tells, the-record, told - quoted terms

from __future__ import annotations

import pytest

from tests.style.examples import places, source
from tools.style.vocabulary import check_docstring_starts, check_words


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("the value that was told", "told"),
        ("the field tells the age", "tells"),
        ("rows that are kept", "kept"),
        ("ask anew", "anew"),
        ("something is amiss", "amiss"),
        ("the file beside it", "beside"),
        ("Besides, it is late", "besides"),
        ("whoever asks", "whoever"),
        ("it ends by itself", "by-itself"),
        ("at most so many rows", "so-many"),
        ("this is no UUID.", "is-no"),
        ("it is no node, though", "is-no"),
        ("written to the record", "the-record"),
        ("lest it fails", "archaic"),
    ],
)
def test_terms_to_avoid(text: str, subject: str) -> None:
    """Each term is reported in a comment, a docstring, a message, and in Markdown."""
    assert places(check_words, source(f"# {text}")) == [(1, subject)]
    assert places(check_words, source(f'"""{text}"""')) == [(1, subject)]
    assert places(check_words, source(f'raise ValueError(f"{{name}}: at once {text}")')) == [(1, subject)]
    assert places(check_words, source(f"\n{text}\n", "docs/example.md")) == [(2, subject)]
    assert places(check_words, source(f'"""{text}"""\ntype Query {{ a: Int }}', "schema/example.graphql")) == [
        (1, subject)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "there is no answer.",
        "it is no longer there.",
        "it is no newer than that.",
        "it is no place where rows are",
        "so many that none fits",
        "the record of a machine",
        "the records in a list",
        "what tells apart two machines",
        "the lid beneath it, retold",
        "the name `told` in a code span",
    ],
)
def test_phrases_that_resemble_them(text: str) -> None:
    """Ordinary English passes."""
    assert places(check_words, source(f"# {text}")) == []


def test_phrases_are_seen_across_lines() -> None:
    """The line is that on which the phrase begins."""
    docstring = '''
        """Summary.

        It ends by
        itself.
        """
        # A comment of two lines: they are so
        # many.
    '''
    assert places(check_words, source(docstring)) == [(4, "by-itself"), (7, "so-many")]


def test_separate_comments_are_separate_texts() -> None:
    """A comment behind code does not continue the one above it."""
    assert places(check_words, source("x = 1  # by\ny = 2  # itself\n")) == []


def test_short_strings_are_data() -> None:
    """Keys and words of vendors are not prose."""
    assert places(check_words, source('row["told"] = "kept"')) == []


def test_code_in_markdown_is_not_prose() -> None:
    """Fenced code, code spans and addresses may hold anything; lines below keep their numbers."""
    text = """
        ```python
        told = 1
        ```
        A [link](docs/kept.md), `told`, https://example.com/told and
        so many.
    """
    assert places(check_words, source(text, "docs/example.md")) == [(6, "so-many")]


def test_test_names_are_prose() -> None:
    """A test's name is read like a sentence; other functions have identifiers."""
    assert places(check_words, source("def test_rows_are_kept(): pass")) == [(1, "kept")]
    assert places(check_words, source("def rows_are_kept(): pass")) == []


@pytest.mark.parametrize("start", ["What the vendor returns.", "That a row exists.", "Whatever it is.", "Who asks."])
def test_docstrings_do_not_begin_with_a_clause(start: str) -> None:
    """The rule covers docstrings of modules, classes, functions and attributes."""
    text = f'"""{start}"""\ndef run():\n    """{start}"""\nx = 1\n"""{start}"""\n'
    assert places(check_docstring_starts, source(text)) == [(line, "docstring-start") for line in (1, 3, 5)]


@pytest.mark.parametrize("start", ["Return what the vendor sent.", "Whether it runs.", "Whatsoever.", "The list."])
def test_other_docstrings(start: str) -> None:
    """A predicate may begin with `Whether`; strings that are no docstrings are not covered."""
    assert places(check_docstring_starts, source(f'"""{start}"""')) == []
    assert places(check_docstring_starts, source('print("What the vendor returns.")')) == []
