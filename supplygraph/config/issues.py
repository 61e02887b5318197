"""Collect the mistakes of a configuration and report them together: where each one is, what is wrong and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import BaseModel, ValidationError

from domain.errors import ConfigurationError
from supplygraph.config.toml_lines import Path, TomlLines

_SUBJECTS: Final = ("Input ", "String ", "List ", "Tuple ")
"""Words with which pydantic's messages begin; our messages begin with the name of the setting instead."""


@dataclass(frozen=True, slots=True)
class ConfigIssue:
    """One mistake: the path of the setting, and what is wrong with it. The message never contains a value."""

    path: Path
    message: str


@dataclass(slots=True)
class Origins:
    """Where each value comes from: a line of the file, or an environment variable."""

    file: str | None = None
    lines: TomlLines | None = None
    variables: dict[Path, str] = field(default_factory=dict)

    def describe(self, path: Path) -> str:
        """Return where a value was written: `supplygraph.toml line 12`, or the name of the variable."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.variables:
                return self.variables[path[:length]]
        line = self.lines.of(path) if self.lines else None
        if self.file is None:
            return "configuration"
        return self.file if line is None else f"{self.file} line {line}"


class ConfigErrors:
    """Collects the mistakes of one configuration."""

    def __init__(self, origins: Origins) -> None:
        self._origins: Final = origins
        self._issues: Final[list[ConfigIssue]] = []

    def __len__(self) -> int:
        return len(self._issues)

    def add(self, path: Path, message: str) -> None:
        """Add a mistake."""
        self._issues.append(ConfigIssue(path, message))

    def add_invalid(self, error: ValidationError, model: type[BaseModel], base: Path = ()) -> None:
        """Add every mistake that a model reports about the table at `base`."""
        for issue in translate_errors(error, model):
            self.add(base + issue.path, issue.message)

    def raise_if_any(self) -> None:
        """Raise ConfigurationError with all mistakes, one line each, if there are any."""
        if self._issues:
            lines = dict.fromkeys(f"{self._origins.describe(issue.path)}: {_format(issue)}" for issue in self._issues)
            raise ConfigurationError("\n".join(lines))


def _format(issue: ConfigIssue) -> str:
    name = format_path(issue.path)
    return f"{name}: {issue.message}" if name else issue.message


def format_path(path: Path) -> str:
    """Return a path as text, such as `accounts[1].credentials.api_key`. The first account has the number 1."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def unknown_key(key: str, valid_keys: Iterable[str]) -> str:
    """Return the message about an unknown key, with the most similar valid key, or with all of them."""
    names = sorted(valid_keys)
    similar = difflib.get_close_matches(key, names, 1, 0.6)
    return f"unknown key; did you mean '{similar[0]}'?" if similar else f"unknown key; valid keys: {', '.join(names)}"


def translate_errors(error: ValidationError, model: type[BaseModel]) -> Iterator[ConfigIssue]:
    """Yield the errors that pydantic reports, in our wording and without the values."""
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        path: Path = tuple(detail["loc"])
        if detail["type"] == "extra_forbidden":
            yield ConfigIssue(path, unknown_key(str(path[-1]), _valid_keys(model, path[:-1])))
        elif detail["type"] == "missing":
            yield ConfigIssue(path, "is required but not set")
        elif detail["type"] == "model_type":
            yield ConfigIssue(path, f"must be a table; write [{format_path(path)}]")
        else:
            yield ConfigIssue(path, _reworded(detail["msg"].removeprefix("Value error, ")))


def _reworded(message: str) -> str:
    for subject in _SUBJECTS:
        message = message.removeprefix(subject)
    if message.startswith("should "):
        message = "must " + message.removeprefix("should ")
    return message[:1].lower() + message[1:]


def _valid_keys(model: type[BaseModel], path: Path) -> Iterable[str]:
    """Return the keys of the model that is at this path below `model`."""
    for part in path:
        inner = model.model_fields[part].annotation if isinstance(part, str) and part in model.model_fields else None
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model = inner
    return model.model_fields


def as_table(value: object) -> Mapping[str, object] | None:
    """Return the value if it is a table, otherwise `None`."""
    return value if isinstance(value, Mapping) else None
