"""The examples in a specification, combined as Prism combines them."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

from tests.doubles import specifications

_DEFAULTS = {"string": "string", "integer": 0, "number": 0, "boolean": True}


def answer(specification: str, path: str, method: str = "get", status: str = "200") -> Any:
    """Return a copy of a response's example: its own, else that of its schema."""
    return deepcopy(_answer(specification, path, method, status))


@cache
def _answer(specification: str, path: str, method: str, status: str) -> Any:
    document = specifications.load(specification)
    response = _resolve(document, document["paths"][path][method]["responses"][status])
    content = response["content"]["application/json"]
    if "examples" in content:
        return next(iter(content["examples"].values()))["value"]
    if "example" in content:
        return content["example"]
    return of_schema(document, content["schema"])


def of_schema(document: Any, schema: Any) -> Any:
    """Return the example of a schema: the first value of an enumeration, its own example, else one made of its parts."""
    schema = _resolve(document, schema)
    own = [*schema.get("enum", []), *([schema["example"]] if "example" in schema else []), *schema.get("examples", [])]
    return own[0] if own else _of_parts(document, schema)


def _of_parts(document: Any, schema: Any) -> Any:
    if "allOf" in schema:
        parts = [of_schema(document, part) for part in schema["allOf"]]
        return {key: value for part in parts for key, value in part.items()}
    if "properties" in schema:
        return {name: of_schema(document, part) for name, part in schema["properties"].items()}
    if "items" in schema:
        return [of_schema(document, schema["items"])]
    return _DEFAULTS.get(schema.get("type", ""), {})


def _resolve(document: Any, part: Any) -> Any:
    while "$ref" in part:
        target = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        part = target
    return part
