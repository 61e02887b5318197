"""The walk through one query in `docs/architecture.md`: its query, its files and its steps."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from functools import reduce
from types import FunctionType

from tests.docs.pages import DOCS, ROOT, read

PAGE = DOCS / "architecture.md"
HEADING = "## A walk through one query\n"
_PLACE = re.compile(r"`([\w/]+\.py)` `([\w.]+)`")
_FILE = re.compile(r"`([\w/]+\.py)`")
_STEP = re.compile(rf"^(\d+)\. {_PLACE.pattern}", re.MULTILINE)
_WITHOUT_PLANS = re.compile(r"\(steps ([\d, and]+)\)")


@dataclass(frozen=True, slots=True)
class Place:
    """A function that the page names: its file, and its qualified name in the module."""

    file: str
    name: str

    def __str__(self) -> str:
        return f"{self.file} {self.name}"

    def function(self) -> FunctionType:
        """Return the function. Raises ImportError or AttributeError if it does not exist."""
        module: object = importlib.import_module(self.file.removesuffix(".py").replace("/", "."))
        function = reduce(getattr, self.name.split("."), module)
        assert isinstance(function, FunctionType), f"{self} is not a function"
        assert (ROOT / self.file).samefile(function.__code__.co_filename), f"{self} is defined in another file"
        return function


def text() -> str:
    """Return the text of the walk."""
    return read(PAGE).partition(HEADING)[2].partition("\n## ")[0]


def files() -> set[str]:
    """Return every file that the walk names."""
    return set(_FILE.findall(text()))


def places() -> list[Place]:
    """Return every function that the walk names."""
    return [Place(*match) for match in _PLACE.findall(text())]


def steps() -> dict[int, Place]:
    """Return the function of each step, by the number of the step."""
    return {int(number): Place(file, name) for number, file, name in _STEP.findall(text())}


def steps_without_plans() -> set[int]:
    """Return the numbers of the steps that only happen if plans are off."""
    (numbers,) = _WITHOUT_PLANS.findall(text())
    return {int(number) for number in re.findall(r"\d+", numbers)}
