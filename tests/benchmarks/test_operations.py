"""The operations of the benchmark and the requests that carry them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from graphql import FieldNode, OperationDefinitionNode, SelectionSetNode, parse, validate, value_from_ast_untyped

from benchmarks.operations import BY_HAND, FULL_SELECTION, GENERATED, ONE, OURS, SINGLE_SUBJECTS, RequestBuilder
from domain.selection import Selected
from schema.build import build
from supplygraph.http.rest_rendering import full_selection

RESOURCE_ID = "5f0b1e5c-0c0a-5d3c-9b39-0a53f44d6f6a"


def response_keys(operation: str) -> Any:
    """Return the response keys of an operation, nested as they are selected."""

    def nested(node: Any) -> Any:
        fields = node.selection_set.selections if node.selection_set else ()
        return {(field.alias or field.name).value: nested(field) for field in fields}

    return nested(parse(operation).definitions[0])


def test_our_operations_are_valid_and_select_what_the_peers_select() -> None:
    """They are valid against the served schema; the operations of the peers have the same response keys."""
    core = build().core
    for ours, hand, generated in ((OURS.one, BY_HAND.one, GENERATED.one), (OURS.page, BY_HAND.page, GENERATED.page)):
        assert [] == validate(core, parse(ours))
        assert response_keys(ours) == response_keys(hand) == response_keys(generated)


def test_the_full_selection_is_what_the_rest_route_selects() -> None:
    """The operation has the fields and arguments of `GET /resources/{id}`, and no others."""
    assert [] == validate(build().core, parse(FULL_SELECTION))
    (operation,) = parse(FULL_SELECTION).definitions
    assert isinstance(operation, OperationDefinitionNode)
    (root,) = operation.selection_set.selections
    assert isinstance(root, FieldNode)
    assert _selected_fields(full_selection(UUID(RESOURCE_ID)).fields) == _parsed_fields(root.selection_set)


def _selected_fields(fields: tuple[Selected, ...]) -> Mapping[str, Any]:
    return {field.name: (dict(field.arguments), _selected_fields(field.fields)) for field in fields}


def _parsed_fields(selection_set: SelectionSetNode | None) -> Mapping[str, Any]:
    fields: dict[str, Any] = {}
    for node in selection_set.selections if selection_set else ():
        assert isinstance(node, FieldNode)
        arguments = {each.name.value: value_from_ast_untyped(each.value) for each in node.arguments or ()}
        fields[node.name.value] = (arguments, _parsed_fields(node.selection_set))
    return fields


def test_a_browser_sends_the_same_operation_with_more_headers() -> None:
    """Each request has a trace of its own; the requests of two runs are equal."""
    builder = RequestBuilder(OURS)
    requests = [builder.browser(str(number)) for number in range(50)]
    headers = [dict(request.headers) for request in requests]
    assert [builder.one(str(number)).body for number in range(50)] == [request.body for request in requests]
    assert 50 == len({each["traceparent"] for each in headers})
    assert {"*/*", "application/graphql-response+json"} < {each["Accept"] for each in headers}
    assert all({"Sec-Fetch-Site", "sec-ch-ua", "Cookie", "DNT", "Referer"} < each.keys() for each in headers)
    assert not any("Origin" in each for each in headers)
    assert requests == [builder.browser(str(number)) for number in range(50)]


def test_the_rest_route_is_a_get() -> None:
    """All other subjects are sent by POST."""
    builder = RequestBuilder(OURS)
    methods = {subject: builder.single(subject, RESOURCE_ID).method for subject in SINGLE_SUBJECTS}
    assert ["GET"] == [method for method in methods.values() if method != "POST"]
    assert f"/resources/{RESOURCE_ID}" == builder.rest(RESOURCE_ID).path


def test_a_server_without_graphql_gets_variables_alone() -> None:
    """Its path names the operation."""
    request = RequestBuilder(None, "/one").single(ONE, "7")
    assert ("/one", {"variables": {"id": "7"}}) == (request.path, json.loads(request.body or b""))
