"""The vendors' doubles, found by scanning this package: one file a vendor."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping

import tests.matrix.players as here
from tests.matrix.player import Player
from vendors import registry


def players() -> Mapping[str, Player]:
    """The double of every vendor that exists, by the vendor's name. Raises LookupError, which says what to add."""
    found: dict[str, Player] = {}
    for module in pkgutil.iter_modules(here.__path__, f"{here.__name__}."):
        for _, candidate in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(candidate, Player) and not inspect.isabstract(candidate):
                found[candidate.vendor] = candidate()
    missing = sorted(set(registry.names()) - set(found))
    if missing:
        raise LookupError(
            f"no double plays {', '.join(missing)} in the fault matrix: add tests/matrix/players/{missing[0]}.py with a Player "
            f'of vendor = "{missing[0]}", then `python -m tests.matrix --write` and judge its rows in expected.csv.'
        )
    return {name: found[name] for name in registry.names()}
