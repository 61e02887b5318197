"""What was used lately is kept within its bound, and what was used least recently goes first."""

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
def test_it_keeps_what_a_plain_list_in_the_order_of_use_would(steps: list[tuple[str, int, str]], sized: bool) -> None:
    """Counted one each, or by the size of each; what is larger than all together is not kept."""
    most = 10 if sized else 3
    size = len if sized else None
    recent: LRUCache[int, str] = LRUCache(most, size)
    used: list[tuple[int, str]] = []

    def filled() -> int:
        return sum(len(value) if sized else 1 for _, value in used)

    for what, key, value in steps:
        found = next((told for known, told in used if known == key), None)
        if what == "get":
            assert found == recent.get(key)
        elif what == "pop":
            assert found == recent.pop(key)
        used = [each for each in used if each[0] != key]
        if what == "get" and found is not None:
            used.append((key, found))
        if what == "add":
            recent.add(key, value)
            used += [(key, value)] if not sized or len(value) <= most else []
            while filled() > most:
                used.pop(0)
        assert [key for key, _ in used] == recent.keys()
        assert len(used) == len(recent)
        assert filled() / most == recent.fill
