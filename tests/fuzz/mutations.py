"""Recorded answers with things wrong in them: types changed, fields gone, numbers and texts that nobody would send."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from copy import deepcopy
from random import Random
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

from tests.fuzz.recordings import Recorded
from tests.matrix.player import Asked
from tests.vendors.loopback import Loopback, answer, loopback

_LEAVES: Final[tuple[Any, ...]] = (
    None, "", True, False, -1, 0, 7, 65_536, 10**30, -(10**30), 2**63, 1e308, -0.5, float("nan"), float("inf"),
    "x" * 5_000, "\0", "a b", "$(reboot)", "999.1.2.3", "::1%$(reboot)", "2001:db8::7", "9999-99-99T00:00:00Z",
    "1970-01-01T00:00:00Z", "2026-01-31T12:00:00+23:59", "NaN", "1e400", "-7", "٣", "\u202egnp.exe", "<b>", "running", "detached",
    [], {}, [None], [[]], [{}], {"id": "x"}, [{"id": ""}], {"": None}, [1, "a", None, {}],
)  # fmt: skip
_TEXTS: Final = tuple(leaf for leaf in _LEAVES if isinstance(leaf, str) and "\0" not in leaf)
_ELEMENTS: Final = ("item", "instanceId", "key", "value", "status", "attachTime")
_SPARED: Final = 0.97
"""How often what names an item, or a page, stays as it is: without it all of the page is refused."""
_MISSPELT: Final = 0.8
_NAMES: Final = frozenset({"id", "instanceId", "volumeId", "servers", "volumes", "total_count", "volume_types"})


class Mutator:
    """Changes answers by its dice; the same seed changes them alike."""

    def __init__(self, seed: int, share: float) -> None:
        self._dice = Random(seed)
        self._share = share
        """How much of an answer is changed."""

    def __call__(self, recorded: Recorded) -> bytes:
        """A changed answer, written out."""
        if isinstance(recorded.told, Element):
            root = deepcopy(recorded.told)
            self._element(root)
            return tostring(root)
        return json.dumps(self._json(recorded.told)).encode()

    def _hit(self, name: str) -> bool:
        return self._dice.random() < self._share * (1 - _SPARED if name in _NAMES else 1)

    def _json(self, told: Any, name: str = "") -> Any:
        if self._hit(name):
            return self._dice.choice(_LEAVES)
        if isinstance(told, dict):
            kept = {key: value for key, value in told.items() if not self._hit(key)}
            return {key: self._json(value, key) for key, value in kept.items()}
        if isinstance(told, list):
            items = [self._json(value, name) for value in told]
            return items * 2 if items and self._hit("twice") else items
        return told

    def _element(self, element: Element) -> None:
        for child in list(element):
            if not self._hit(child.tag.rpartition("}")[2]):
                self._element(child)
            elif len(child):
                self._spoil(element, child)
            else:
                self._misspell(element, child)

    def _misspell(self, parent: Element, leaf: Element) -> None:
        """Mostly another text: what else can be wrong with a leaf is soon tried."""
        if self._dice.random() < _MISSPELT:
            leaf.text = self._dice.choice(_TEXTS)
        else:
            self._spoil(parent, leaf)

    def _spoil(self, parent: Element, child: Element) -> None:
        what = self._dice.randrange(4)
        if what == 0:
            parent.remove(child)
        elif what == 1:
            parent.append(deepcopy(child))
        elif what == 2:
            child.clear()
            child.text = self._dice.choice(_TEXTS)
        else:
            child.text = None
            SubElement(child, self._dice.choice(_ELEMENTS)).text = self._dice.choice(_TEXTS)


@asynccontextmanager
async def mutated(recorded: Callable[[Asked], Recorded], seed: int, share: float) -> AsyncIterator[Loopback]:
    """Serve changed answers on loopback."""
    change = Mutator(seed, share)

    async def reply(writer: Any) -> bool:
        one = recorded(Asked.parse(double.requests[-1]))
        media = "text/xml" if isinstance(one.told, Element) else "application/json"
        return await answer(change(one), 200, {"content-type": media, **one.headers})(writer)

    async with loopback(reply) as double:
        yield double
