"""The LRU cache stays within its capacity and evicts the least recently used entry first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.cache import LRUCache

_KEYS = st.integers(0, 5)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("get"), _KEYS, st.just("")),
        st.tuples(st.just("pop"), _KEYS, st.just("")),
        st.tuples(st.just("add"), _KEYS, st.text("x", min_size=1, max_size=12)),
    ),
    max_size=60,
)


@given(steps=_STEPS, sized=st.booleans())
def test_the_cache_equals_a_list_in_order_of_use(steps: list[tuple[str, int, str]], sized: bool) -> None:
    """Entries count one each or by their size, and an entry larger than the capacity is not stored."""
    capacity = 10 if sized else 3
    size = len if sized else None
    cache: LRUCache[int, str] = LRUCache(capacity, size)
    model: list[tuple[int, str]] = []

    def total() -> int:
        return sum(len(value) if sized else 1 for _, value in model)

    for action, key, value in steps:
        cached = next((entry_value for entry_key, entry_value in model if entry_key == key), None)
        if action == "get":
            assert cached == cache.get(key)
        elif action == "pop":
            assert cached == cache.pop(key)
        model = [entry for entry in model if entry[0] != key]
        if action == "get" and cached is not None:
            model.append((key, cached))
        if action == "add":
            cache.add(key, value)
            model += [(key, value)] if not sized or len(value) <= capacity else []
            while total() > capacity:
                model.pop(0)
        assert [entry_key for entry_key, _ in model] == cache.keys()
        assert len(model) == len(cache)
        assert total() / capacity == cache.fill
