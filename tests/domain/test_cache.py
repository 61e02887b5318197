"""The cache behaves as a plain list in the order of use would, and a flood of new keys evicts nothing in use."""

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
def test_a_cache_is_a_list_in_the_order_of_use(steps: list[tuple[str, int, str]], sized: bool) -> None:
    """Entries count as one each, or by their size; one that is larger than the bound is not stored."""
    bound = 10 if sized else 3
    cache: LRUCache[int, str] = LRUCache(bound, size_of=len if sized else None)
    model: list[tuple[int, str]] = []

    def size() -> int:
        return sum(len(value) if sized else 1 for _, value in model)

    for step, key, value in steps:
        stored = next((text for other, text in model if other == key), None)
        assert stored == cache.peek(key)
        if step == "get":
            assert stored == cache.get(key)
        elif step == "pop":
            assert stored == cache.pop(key)
        model = [entry for entry in model if entry[0] != key]
        if step == "get" and stored is not None:
            model.append((key, stored))
        if step == "add":
            cache.add(key, value)
            model += [(key, value)] if not sized or len(value) <= bound else []
            while size() > bound:
                model.pop(0)
        elif step == "pop":
            pass
        elif stored is None:
            assert key not in cache
        assert [key for key, _ in model] == list(cache)
        assert [text for _, text in model] == cache.values()
        assert len(model) == len(cache)
        assert size() / bound == cache.fill


@given(hot=st.lists(_KEYS, min_size=1, max_size=3, unique=True), flood=st.integers(0, 200))
def test_a_flood_evicts_nothing_that_is_in_use(hot: list[int], flood: int) -> None:
    """With a probation segment, keys that are used once evict only each other."""
    cache: LRUCache[int, str] = LRUCache(3, probation_size=3)
    for key in hot:
        cache.add(key, "hot")
    assert ["hot"] * len(hot) == [cache.get(key) for key in hot]
    for key in range(100, 100 + flood):
        cache.add(key, "new")
    assert set(hot) <= set(cache)
    assert len(cache) <= len(hot) + 3
    assert cache.fill <= 1


def test_an_entry_that_is_stored_again_stays_in_its_segment() -> None:
    """Its size is measured again: an entry may have grown."""
    cache: LRUCache[str, list[int]] = LRUCache(10, probation_size=4, size_of=len)
    value = [1]
    cache.add("a", value)
    assert cache.get("a") is value
    value += [2, 3, 4, 5]
    cache.add("a", value)
    assert cache.peek("a") is value
    assert cache.fill == 0.5
