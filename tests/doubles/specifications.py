"""The vendors' own specifications: data to test against, kept beside the repository and no part of it."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

yaml: Any = import_module("yaml")
"""It has no types of its own."""
_FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "vendor-specs"


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
