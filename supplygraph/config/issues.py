"""Mistakes of a configuration: where each one stands, what it is, what to do; told together."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import BaseModel, ValidationError

from domain.errors import ConfigurationError
from supplygraph.config.toml_lines import Path, TomlLines


@dataclass(frozen=True, slots=True)
class ConfigIssue:
    """One mistake: the path of what is wrong, and what is wrong with it. The text never repeats a value."""

    path: Path
    message: str


@dataclass(slots=True)
class Origins:
    """Where each value was written: a line of the file, or an environment variable."""

    file: str | None = None
    lines: TomlLines | None = None
    variables: dict[Path, str] = field(default_factory=dict)

    def place(self, path: Path) -> str:
        """`supplygraph.toml line 12`, or the variable's name."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.variables:
                return self.variables[path[:length]]
        line = self.lines.of(path) if self.lines else None
        if self.file is None:
            return "configuration"
        return self.file if line is None else f"{self.file} line {line}"


class ConfigErrors:
    """The mistakes found so far."""

    def __init__(self, origins: Origins) -> None:
        self._origins: Final = origins
        self._found: Final[list[ConfigIssue]] = []

    def __len__(self) -> int:
        return len(self._found)

    def add(self, path: Path, message: str) -> None:
        """Note a mistake."""
        self._found.append(ConfigIssue(path, message))

    def add_invalid(self, error: ValidationError, model: type[BaseModel], at: Path = ()) -> None:
        """Note all that a model found wrong with what stands at `at`."""
        for fault in faults_of(error, model):
            self.add(at + fault.path, fault.message)

    def check(self) -> None:
        """Raise ConfigurationError with every mistake, in the order of the text, if there is one."""
        if self._found:
            told = dict.fromkeys(f"{self._origins.place(fault.path)}: {_said(fault)}" for fault in self._found)
            raise ConfigurationError("\n".join(told))


def _said(fault: ConfigIssue) -> str:
    name = dotted(fault.path)
    return f"{name}: {fault.message}" if name else fault.message


def dotted(path: Path) -> str:
    """`accounts[1].credentials.api_key`; the first account has the number 1."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def unknown_key(key: str, known: Iterable[str]) -> str:
    """What to say of a key that nobody knows: what was probably meant, else what there is."""
    names = sorted(known)
    near = difflib.get_close_matches(key, names, 1, 0.6)
    return f"unknown key; did you mean '{near[0]}'?" if near else f"unknown key; known are {', '.join(names)}"


def faults_of(error: ValidationError, model: type[BaseModel]) -> Iterator[ConfigIssue]:
    """What pydantic found, in our words and without the values."""
    for found in error.errors(include_url=False, include_input=False, include_context=False):
        path: Path = tuple(found["loc"])
        if found["type"] == "extra_forbidden":
            yield ConfigIssue(path, unknown_key(str(path[-1]), _known(model, path[:-1])))
        elif found["type"] == "missing":
            yield ConfigIssue(path, "is needed and not given")
        else:
            yield ConfigIssue(path, _lowered(found["msg"].removeprefix("Value error, ")))


def _lowered(message: str) -> str:
    message = message.removeprefix("Input ")
    return message[:1].lower() + message[1:]


def _known(model: type[BaseModel], path: Path) -> Iterable[str]:
    """The keys of the model that stands at the path below `model`."""
    for part in path:
        inner = model.model_fields[part].annotation if isinstance(part, str) and part in model.model_fields else None
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model = inner
    return model.model_fields


def as_table(value: object) -> Mapping[str, object] | None:
    """The value as a table, None where it is none."""
    return value if isinstance(value, Mapping) else None
