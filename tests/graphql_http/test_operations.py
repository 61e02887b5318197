"""Responses to operations: data by response key, ages, errors with their codes, and masked internal errors."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from domain.errors import BadUserInput, Forbidden, LimitExceeded
from resolvers.errors import ErrorMasker
from tests.graphql_http.gateway import (
    ARRIVAL,
    CORRELATION_ID,
    FRESHNESS,
    LEAF_VALUES,
    RESOURCE_ID,
    GraphQLGateway,
    MemoryReader,
    body,
    codes,
)

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
RESOURCE = f'resource(resourceId: "{RESOURCE_ID}")'
SECRET = "hunter2-of-the-database"


async def test_objects_have_their_response_keys_at_every_level() -> None:
    """Aliases, fragments and `__typename` are resolved at every level, and texts are returned unchanged."""
    response = await GraphQLGateway().post(
        "{ page: resources { items: nodes { ...Named state: status createdAt at: freshness { state } } totalCount } }"
        " fragment Named on Resource { __typename called: name name resourceType spec { gpuType } }"
    )
    assert {
        "page": {
            "items": [
                {
                    "__typename": "Resource",
                    "called": "trainer",
                    "name": "trainer",
                    "resourceType": "VM",
                    "spec": {"gpuType": "H100"},
                    "state": "RUNNING",
                    "createdAt": "2026-01-31T12:00:00.000000Z",
                    "at": {"state": "FRESH"},
                }
            ],
            "totalCount": 1,
        }
    } == body(response)["data"]


async def test_same_field_twice_with_different_arguments() -> None:
    """Two aliases of a nested field have separate values."""
    resource = {"open": [{"name": "a"}], "all": [{"name": "a"}, {"name": "b"}]}
    gateway = GraphQLGateway(MemoryReader(values={"resource": resource}))
    response = await gateway.post(
        f"{{ {RESOURCE} {{ open: linkedResources {{ name }} all: linkedResources(includeEnded: true) {{ name }} }} }}"
    )
    assert {"resource": resource} == body(response)["data"]


async def test_node_is_a_resource() -> None:
    """The interface is resolved to its only type, or the value is null."""
    response = await GraphQLGateway().post('{ node(id: "x") { __typename id ... on Resource { name } } }')
    assert {"__typename": "Resource", "id": LEAF_VALUES["id"], "name": "trainer"} == body(response)["data"]["node"]
    gateway = GraphQLGateway(MemoryReader(values={"node": None}))
    assert {"node": None} == body(await gateway.post('{ node(id: "x") { id } }'))["data"]


async def test_json_values_are_returned_unchanged() -> None:
    """Values of the JSON scalar are not changed, whatever their structure."""
    response = await GraphQLGateway().post("{ changes { nodes { before after } } }")
    assert [{"before": None, "after": {"nested": [1, None, "x"]}}] == body(response)["data"]["changes"]["nodes"]


async def test_root_fields_are_read_together() -> None:
    """An operation makes one read request, with the time of its arrival."""
    gateway = GraphQLGateway()
    await gateway.post("{ accounts { name } other: accounts { state } resources { totalCount } }")
    ((request, arrival),) = gateway.reader.requests
    assert (["accounts", "other", "resources"], ARRIVAL) == (list(request.keys), arrival)


async def test_extensions_contain_ages() -> None:
    """The response to every executed operation has a freshness summary."""
    response = await GraphQLGateway().post("{ accounts { name } }")
    assert {"freshness": FRESHNESS} == body(response)["extensions"]


@pytest.mark.parametrize(
    "query", ["{ __typename }", "{ __schema { queryType { name } } }", '{ __type(name: "Query") { name } }']
)
async def test_introspection_reads_nothing(query: str) -> None:
    """Introspection is answered from the schema, without a read and without ages."""
    gateway = GraphQLGateway()
    response = await gateway.post(query)
    assert ["data"] == list(body(response))
    assert [] == gateway.reader.requests


async def test_skipped_fields_read_nothing() -> None:
    """An operation whose fields are all skipped makes no read request."""
    gateway = GraphQLGateway()
    response = await gateway.post(
        "query($no: Boolean!) { accounts @include(if: $no) { name } }", variables={"no": False}
    )
    assert {"data": {}} == body(response)
    assert [] == gateway.reader.requests


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("{", {}, "GRAPHQL_PARSE_FAILED"),
        ("{ resources { nope } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("{ resources { nodes } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ('{ resource(resourceId: "x") { id } }', {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query($id: UUID!) { resource(resourceId: $id) { id } }", {"id": "x"}, "BAD_USER_INPUT"),
        ("query($id: UUID!) { resource(resourceId: $id) { id } }", {}, "BAD_USER_INPUT"),
        ("query($first: Int!) { resources(first: $first) { totalCount } }", {"first": 2**40}, "BAD_USER_INPUT"),
        ("query($f: ResourceFilter) { resources(filter: $f) { totalCount } }", {"f": {"x": 1}}, "BAD_USER_INPUT"),
        ("query($f: ResourceFilter) { resources(filter: $f) { totalCount } }", {"f": {"status": "ON"}}, "BAD_USER_INPUT"),
        ("query($first: Int) { resources(first: $first) { totalCount } }", {"first": None}, "BAD_USER_INPUT"),
        ("{ resources(first: 1000) { nodes { history(first: 1000) { nodes { field } } } } }", {}, "LIMIT_EXCEEDED"),
    ],
)  # fmt: skip
async def test_request_errors_have_codes(query: str, variables: dict[str, object], code: str) -> None:
    """Nothing is read. The response has errors and no data, and the status is 400, or 200 for `application/json`."""
    for accept, status in [(GRAPHQL, 400), (JSON, 200)]:
        gateway = GraphQLGateway()
        response = await gateway.post(query, accept, variables=variables)
        assert (status, {code}) == (response.status_code, set(codes(response)))
        assert "data" not in body(response)
        assert [] == gateway.reader.requests


@pytest.mark.parametrize("name", ["id", "first", "f"])
async def test_bad_variables_are_named(name: str) -> None:
    """The error of a variable names it."""
    response = await GraphQLGateway().post(
        f"query(${name}: Int!) {{ resources(first: ${name}) {{ totalCount }} }}", variables={name: "many"}
    )
    assert {"code": "BAD_USER_INPUT", "argument": name} == body(response)["errors"][0]["extensions"]


async def test_number_of_errors_is_limited() -> None:
    """A response contains at most 20 errors."""
    invalid = await GraphQLGateway().post("{ accounts { " + " ".join(f"a{n}" for n in range(100)) + " } }")
    assert 20 == len(codes(invalid))
    definitions = " ".join(f"$v{n}: String!" for n in range(40))
    uses = " ".join(f"$v{n}" for n in range(40))
    coerced = await GraphQLGateway().post(
        f"query({definitions}) {{ resources(filter: {{vendor: [{uses}]}}) {{ totalCount }} }}"
    )
    assert 20 == len(codes(coerced))


async def test_errors_do_not_quote_long_input() -> None:
    """An error quotes only the beginning of a huge value."""
    response = await GraphQLGateway().post(
        "query($id: UUID!) { resource(resourceId: $id) { id } }", variables={"id": "x" * 500_000}
    )
    assert len(response.content) < 2_000


async def test_a_reader_error_concerns_its_root_field() -> None:
    """Only that root field is null. The error has its path and names the argument."""
    error = BadUserInput("first", "Argument 'first' is 1 to 1000, not 5000.")
    gateway = GraphQLGateway(MemoryReader(values={"one": error}))
    response = await gateway.post(f"{{ one: {RESOURCE} {{ id }} two: {RESOURCE} {{ vendor }} }}")
    assert 200 == response.status_code
    assert {"one": None, "two": {"vendor": "sandbox"}} == body(response)["data"]
    (item,) = body(response)["errors"]
    assert (["one"], {"code": "BAD_USER_INPUT", "argument": "first"}) == (item["path"], item["extensions"])
    assert {"freshness": FRESHNESS} == body(response)["extensions"]


@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_a_forbidden_operation_is_403(accept: str) -> None:
    """A demand without permission refuses the whole operation, in both media types."""
    gateway = GraphQLGateway(MemoryReader(raises=Forbidden("Forcing needs the permission 'refresh'.")))
    response = await gateway.post("{ accounts { name } }", accept)
    assert (403, ["FORBIDDEN"]) == (response.status_code, codes(response))
    assert "data" not in body(response)


@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 400), (JSON, 200)])
async def test_a_refused_operation_is_a_request_error(accept: str, status: int) -> None:
    """Any other refusal of a whole operation has the status of a request error."""
    gateway = GraphQLGateway(MemoryReader(raises=LimitExceeded("things", 1, 2)))
    response = await gateway.post("{ accounts { name } }", accept)
    assert (status, ["LIMIT_EXCEEDED"]) == (response.status_code, codes(response))


@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_internal_errors_are_masked_and_logged(accept: str) -> None:
    """The response contains the code INTERNAL and an id. The log contains the exception under the same id."""
    gateway = GraphQLGateway(MemoryReader(raises=RuntimeError(SECRET)))
    with capture_logs() as logs:
        response = await gateway.post("{ accounts { name } }", accept)
    assert 500 == response.status_code
    assert {"code": "INTERNAL", "correlationId": CORRELATION_ID} == body(response)["errors"][0]["extensions"]
    assert SECRET not in response.text
    assert "Traceback" not in response.text
    assert [(CORRELATION_ID, SECRET)] == [(log["correlation_id"], str(log["exc_info"])) for log in logs]


@pytest.mark.parametrize(
    "value",
    [{}, {"id": None}, {"id": object()}, RuntimeError(SECRET), [SECRET], 5],
    ids=["incomplete", "null", "not-json", "exception", "list", "number"],
)
async def test_values_of_the_wrong_type_are_masked(value: object) -> None:
    """If graphql-core renders the response, such a value is an internal error of its root field only."""
    gateway = GraphQLGateway(MemoryReader(values={"one": value}), plans=False)
    with capture_logs() as logs:
        response = await gateway.post(f"{{ one: {RESOURCE} {{ id }} two: {RESOURCE} {{ vendor }} }}")
    assert {"one": None, "two": {"vendor": "sandbox"}} == body(response)["data"]
    assert {"code": "INTERNAL", "correlationId": CORRELATION_ID} == body(response)["errors"][0]["extensions"]
    assert SECRET not in response.text
    assert 1 == len(logs)


async def test_values_that_cannot_be_encoded_are_masked() -> None:
    """A value that is not valid in JSON is an internal error, not a broken response."""
    gateway = GraphQLGateway(MemoryReader(values={"resource": {"spec": {"vendor": {"lone": "\ud800"}}}}))
    response = await gateway.post(f"{{ {RESOURCE} {{ spec {{ vendor }} }} }}")
    assert (500, ["INTERNAL"]) == (response.status_code, codes(response))


async def test_correlation_ids_differ() -> None:
    """By default, each internal error gets its own id."""
    masker = ErrorMasker()
    with capture_logs():
        first, second = masker.mask(ValueError()), masker.mask(ValueError())
    assert first["extensions"]["correlationId"] != second["extensions"]["correlationId"]
