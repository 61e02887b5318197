"""What was read is kept within its bound, whatever it was asked with."""

from __future__ import annotations

from db.query.annotated_text import AnnotatedText
from db.query.results import ResultCache

_BYTES = 1_000_000


def _kept(texts: ResultCache, number: int, asked: str, text: bytes) -> bool:
    """Whether it is kept once it was asked for twice."""
    key = number, (asked,)
    for _ in range(2):
        texts.add(key, 1, [AnnotatedText(text)])
    return texts.get(key) is not None


def test_what_is_asked_once_is_not_kept() -> None:
    """Nor what has no version."""
    texts = ResultCache(_BYTES)
    texts.add((1, ()), 1, [AnnotatedText(b"{}")])
    assert texts.get((1, ())) is None
    for _ in range(3):
        texts.add((2, ()), None, [AnnotatedText(b"{}")])
    assert texts.get((2, ())) is None


def test_long_questions_count_as_long_texts_do() -> None:
    """A filter may be as long as a request: short answers to long questions push each other out."""
    texts = ResultCache(_BYTES)
    assert all(_kept(texts, number, f"{number:10000}", b"{}") for number in range(100))
    assert sum(texts.get((number, (f"{number:10000}",))) is not None for number in range(100)) < 25


def test_what_is_too_large_pushes_nothing_out() -> None:
    """It is not kept, be it the question or the answer."""
    texts = ResultCache(_BYTES)
    assert _kept(texts, 1, "a", b"{}")
    assert not _kept(texts, 2, "b", b" " * _BYTES)
    assert not _kept(texts, 3, "c" * _BYTES, b"{}")
    assert texts.get((1, ("a",))) is not None
