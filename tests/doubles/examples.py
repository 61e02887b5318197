"""The examples in a specification, put together as Prism puts them together."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

from tests.doubles import specifications

_UNTOLD = {"string": "string", "integer": 0, "number": 0, "boolean": True}


def answer(specification: str, path: str, method: str = "get", status: str = "200") -> Any:
    """The example of an answer: its own, else that of its schema. A copy: change it as you like."""
    return deepcopy(_answer(specification, path, method, status))


@cache
def _answer(specification: str, path: str, method: str, status: str) -> Any:
    whole = specifications.load(specification)
    response = _resolved(whole, whole["paths"][path][method]["responses"][status])
    told = response["content"]["application/json"]
    if "examples" in told:
        return next(iter(told["examples"].values()))["value"]
    if "example" in told:
        return told["example"]
    return of_schema(whole, told["schema"])


def of_schema(whole: Any, schema: Any) -> Any:
    """The example of a schema: the first of an enumeration, its own, else made of its parts."""
    schema = _resolved(whole, schema)
    own = [*schema.get("enum", []), *([schema["example"]] if "example" in schema else []), *schema.get("examples", [])]
    return own[0] if own else _of_parts(whole, schema)


def _of_parts(whole: Any, schema: Any) -> Any:
    if "allOf" in schema:
        parts = [of_schema(whole, part) for part in schema["allOf"]]
        return {key: value for part in parts for key, value in part.items()}
    if "properties" in schema:
        return {name: of_schema(whole, part) for name, part in schema["properties"].items()}
    if "items" in schema:
        return [of_schema(whole, schema["items"])]
    return _UNTOLD.get(schema.get("type", ""), {})


def _resolved(whole: Any, part: Any) -> Any:
    while "$ref" in part:
        found = whole
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part
