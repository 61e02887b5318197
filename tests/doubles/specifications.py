"""The vendors' own specifications: data to test against, kept beside the repository and no part of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

yaml: Any = import_module("yaml")
"""It has no types of its own."""
_FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "vendor-specs"

_CALLED: Final = {
    "digitalocean.json": ("/v2/droplets", "/v2/droplets/{droplet_id}", "/v2/volumes", "/v2/volumes/{volume_id}"),
}
"""Of a specification that takes long to read, what we call; any other path is then an unknown one."""


def path_of(name: str) -> Path:
    """Where a specification is, or would be."""
    return _FOLDER / name


def missing(name: str) -> str | None:
    """Why a test that needs this specification cannot run, or None."""
    return None if path_of(name).is_file() else f"no vendor specification '{name}' in ../shared/vendor-specs"


def load(name: str) -> Any:
    """A specification, be it in JSON or in YAML; a time is text."""
    text = path_of(name).read_text(encoding="utf-8")
    if name.endswith(".json"):
        return json.loads(text)
    return json.loads(json.dumps(yaml.load(text, yaml.CSafeLoader), default=str))


@contextmanager
def served(name: str) -> Iterator[Path]:
    """The file that a double is given: the specification, or the part of a very large one that we call, unchanged."""
    if name not in _CALLED:
        yield path_of(name)
        return
    whole = load(name)
    part = {**whole, "paths": {path: whole["paths"][path] for path in _CALLED[name]}, "components": {}}
    part["components"]["securitySchemes"] = whole["components"]["securitySchemes"]
    waiting = list(_references(part["paths"]))
    while waiting:
        _, section, key = waiting.pop().removeprefix("#/").split("/")
        kept = part["components"].setdefault(section, {})
        if key not in kept:
            kept[key] = whole["components"][section][key]
            waiting += _references(kept[key])
    with TemporaryDirectory() as folder:
        file = Path(folder, name)
        file.write_text(json.dumps(part), encoding="utf-8")
        yield file


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "$ref" and isinstance(value, str):
                yield value
            else:
                yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)
