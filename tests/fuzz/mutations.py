"""Changes recorded responses: wrong types, missing fields, and numbers and texts that no vendor would send."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from copy import deepcopy
from random import Random
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

from tests.fuzz.recordings import Recording
from tests.matrix.player import ReceivedRequest
from tests.vendors.loopback import Loopback, answer, loopback

_LEAVES: Final[tuple[Any, ...]] = (
    None, "", True, False, -1, 0, 7, 65_536, 10**30, -(10**30), 2**63, 1e308, -0.5, float("nan"), float("inf"),
    "x" * 5_000, "\0", "a b", "$(reboot)", "999.1.2.3", "::1%$(reboot)", "2001:db8::7", "9999-99-99T00:00:00Z",
    "1970-01-01T00:00:00Z", "2026-01-31T12:00:00+23:59", "NaN", "1e400", "-7", "٣", "\u202egnp.exe", "<b>", "running", "detached",
    [], {}, [None], [[]], [{}], {"id": "x"}, [{"id": ""}], {"": None}, [1, "a", None, {}],
)  # fmt: skip
_TEXTS: Final = tuple(leaf for leaf in _LEAVES if isinstance(leaf, str) and "\0" not in leaf)
_ELEMENTS: Final = ("item", "instanceId", "key", "value", "status", "attachTime")
_KEEP_NAMES_SHARE: Final = 0.97
"""How often a name of an item or of a page stays unchanged: without it, the whole page would be rejected."""
_CHANGE_TEXT_SHARE: Final = 0.8
_NAMES: Final = frozenset({"id", "instanceId", "volumeId", "servers", "volumes", "total_count", "volume_types"})


class Mutator:
    """Changes responses at random; the same seed makes the same changes."""

    def __init__(self, seed: int, share: float) -> None:
        self._random = Random(seed)
        self._share = share
        """The share of a response that is changed."""

    def __call__(self, recording: Recording) -> bytes:
        """Return a changed response as bytes."""
        if isinstance(recording.content, Element):
            root = deepcopy(recording.content)
            self._change_element(root)
            return tostring(root)
        return json.dumps(self._change_json(recording.content)).encode()

    def _is_chosen(self, name: str) -> bool:
        return self._random.random() < self._share * (1 - _KEEP_NAMES_SHARE if name in _NAMES else 1)

    def _change_json(self, value: Any, name: str = "") -> Any:
        if self._is_chosen(name):
            return self._random.choice(_LEAVES)
        if isinstance(value, dict):
            remaining = {key: member for key, member in value.items() if not self._is_chosen(key)}
            return {key: self._change_json(member, key) for key, member in remaining.items()}
        if isinstance(value, list):
            items = [self._change_json(item, name) for item in value]
            return items * 2 if items and self._is_chosen("twice") else items
        return value

    def _change_element(self, element: Element) -> None:
        for child in list(element):
            if not self._is_chosen(child.tag.rpartition("}")[2]):
                self._change_element(child)
            elif len(child):
                self._damage(element, child)
            else:
                self._change_text(element, child)

    def _change_text(self, parent: Element, leaf: Element) -> None:
        """Usually change the text, because a leaf has few other ways to be wrong."""
        if self._random.random() < _CHANGE_TEXT_SHARE:
            leaf.text = self._random.choice(_TEXTS)
        else:
            self._damage(parent, leaf)

    def _damage(self, parent: Element, child: Element) -> None:
        damage = self._random.randrange(4)
        if damage == 0:
            parent.remove(child)
        elif damage == 1:
            parent.append(deepcopy(child))
        elif damage == 2:
            child.clear()
            child.text = self._random.choice(_TEXTS)
        else:
            child.text = None
            SubElement(child, self._random.choice(_ELEMENTS)).text = self._random.choice(_TEXTS)


@asynccontextmanager
async def serve_mutations(
    find: Callable[[ReceivedRequest], Recording], seed: int, share: float
) -> AsyncIterator[Loopback]:
    """Serve changed responses on loopback."""
    mutate = Mutator(seed, share)

    async def reply(writer: Any) -> bool:
        recording = find(ReceivedRequest.parse(server.requests[-1]))
        media = "text/xml" if isinstance(recording.content, Element) else "application/json"
        return await answer(mutate(recording), 200, {"content-type": media, **recording.headers})(writer)

    async with loopback(reply) as server:
        yield server
