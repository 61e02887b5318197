"""The vendors' own specifications: test data that is stored next to the repository and is not part of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

yaml: Any = import_module("yaml")
"""The package has no type annotations."""
_FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "vendor-specs"

_CALLED_PATHS: Final = {
    "digitalocean.json": ("/v2/droplets", "/v2/droplets/{droplet_id}", "/v2/volumes", "/v2/volumes/{volume_id}"),
}
"""The called paths of specifications that take long to read; only these are served."""


def path_of(name: str) -> Path:
    """Return the path of a specification, which may be missing."""
    return _FOLDER / name


def missing(name: str) -> str | None:
    """Return why a test that needs this specification cannot run, or `None`."""
    return None if path_of(name).is_file() else f"no vendor specification '{name}' in ../shared/vendor-specs"


def load(name: str) -> Any:
    """Return a specification in JSON or YAML; times are texts."""
    text = path_of(name).read_text(encoding="utf-8")
    if name.endswith(".json"):
        return json.loads(text)
    return json.loads(json.dumps(yaml.load(text, yaml.CSafeLoader), default=str))


@contextmanager
def served(name: str) -> Iterator[Path]:
    """Yield the file for a double: the specification, or the unchanged part of a very large one that is called."""
    if name not in _CALLED_PATHS:
        yield path_of(name)
        return
    specification = load(name)
    part = {
        **specification,
        "paths": {path: specification["paths"][path] for path in _CALLED_PATHS[name]},
        "components": {},
    }
    part["components"]["securitySchemes"] = specification["components"]["securitySchemes"]
    references = list(_references(part["paths"]))
    while references:
        _, section, key = references.pop().removeprefix("#/").split("/")
        section_part = part["components"].setdefault(section, {})
        if key not in section_part:
            section_part[key] = specification["components"][section][key]
            references += _references(section_part[key])
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
