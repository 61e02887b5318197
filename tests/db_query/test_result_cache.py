"""The result cache stays within its bound, however long texts and bound values are."""

from __future__ import annotations

from db.query.annotated_text import AnnotatedText
from db.query.results import ResultCache

_BYTES = 1_000_000


def _add_twice(cache: ResultCache, number: int, value: str, text: bytes) -> bool:
    """Add a result twice, and return whether it is cached."""
    key = number, (value,)
    for _ in range(2):
        cache.add(key, 1, [AnnotatedText(text)])
    return cache.get(key) is not None


def test_a_first_read_is_not_cached() -> None:
    """A result is cached when it is read for the second time, and never without a revision."""
    cache = ResultCache(_BYTES)
    cache.add((1, ()), 1, [AnnotatedText(b"{}")])
    assert cache.get((1, ())) is None
    for _ in range(3):
        cache.add((2, ()), None, [AnnotatedText(b"{}")])
    assert cache.get((2, ())) is None


def test_long_bound_values_count_like_long_texts() -> None:
    """A filter may be as long as a request, so short texts with long values evict each other."""
    cache = ResultCache(_BYTES)
    assert all(_add_twice(cache, number, f"{number:10000}", b"{}") for number in range(100))
    assert sum(cache.get((number, (f"{number:10000}",))) is not None for number in range(100)) < 25


def test_a_result_that_is_too_large_evicts_nothing() -> None:
    """It is not cached, whether its text or its bound values are too long."""
    cache = ResultCache(_BYTES)
    assert _add_twice(cache, 1, "a", b"{}")
    assert not _add_twice(cache, 2, "b", b" " * _BYTES)
    assert not _add_twice(cache, 3, "c" * _BYTES, b"{}")
    assert cache.get((1, ("a",))) is not None
