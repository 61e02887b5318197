"""The test doubles of the vendors, one module each, discovered by scanning this package."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping

import tests.matrix.players as package
from tests.matrix.player import Player
from vendors import registry


def players() -> Mapping[str, Player]:
    """Return the double of every registered vendor by the vendor's name.

    Raises LookupError if a vendor has no double; the message names the file to add.
    """
    doubles: dict[str, Player] = {}
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for _, candidate in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(candidate, Player) and not inspect.isabstract(candidate):
                doubles[candidate.vendor] = candidate()
    missing = sorted(set(registry.names()) - set(doubles))
    if missing:
        raise LookupError(
            f"The fault matrix has no double for {', '.join(missing)}: add tests/matrix/players/{missing[0]}.py with a Player "
            f'whose vendor is "{missing[0]}", run `python -m tests.matrix --write` and review its rows in expected.csv.'
        )
    return {name: doubles[name] for name in registry.names()}
