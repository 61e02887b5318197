"""The stateful fakes of vendors, found by scanning this package."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from functools import cache

from tests.doubles import fakes
from tests.doubles.fake import Fake


@cache
def fakes_by_vendor() -> Mapping[str, type[Fake]]:
    """Return every fake by its vendor's name."""
    fakes_by_name: dict[str, type[Fake]] = {}
    for module_info in pkgutil.iter_modules(fakes.__path__):
        module = importlib.import_module(f"{fakes.__name__}.{module_info.name}")
        for _, candidate in inspect.getmembers(module, inspect.isclass):
            if issubclass(candidate, Fake) and not inspect.isabstract(candidate):
                fakes_by_name[candidate.vendor] = candidate
    return dict(sorted(fakes_by_name.items()))
