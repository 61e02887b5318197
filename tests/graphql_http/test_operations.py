"""What an operation answers: data by response key, the told ages, errors with their codes, our faults masked."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from domain.errors import BadUserInput, Forbidden, LimitExceeded
from resolvers.errors import ErrorMasker
from tests.graphql_http.gateway import (
    ARRIVAL,
    CORRELATION_ID,
    FRESHNESS,
    LEAVES,
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


async def test_answers_go_by_response_key_all_the_way_down() -> None:
    """Aliases, fragments and `__typename` are answered from plain dicts; texts go through as they are."""
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


async def test_same_field_twice_with_other_arguments() -> None:
    """Two aliases of one nested field get each their own answer."""
    told = {"open": [{"name": "a"}], "all": [{"name": "a"}, {"name": "b"}]}
    gateway = GraphQLGateway(MemoryReader(values={"resource": told}))
    response = await gateway.post(
        f"{{ {RESOURCE} {{ open: linkedResources {{ name }} all: linkedResources(includeEnded: true) {{ name }} }} }}"
    )
    assert {"resource": told} == body(response)["data"]


async def test_node_is_the_resource() -> None:
    """An interface is answered by the one type there is, or null."""
    response = await GraphQLGateway().post('{ node(id: "x") { __typename id ... on Resource { name } } }')
    assert {"__typename": "Resource", "id": LEAVES["id"], "name": "trainer"} == body(response)["data"]["node"]
    gateway = GraphQLGateway(MemoryReader(values={"node": None}))
    assert {"node": None} == body(await gateway.post('{ node(id: "x") { id } }'))["data"]


async def test_json_values_are_what_they_are() -> None:
    """JSON goes through whole."""
    response = await GraphQLGateway().post("{ changes { nodes { before after } } }")
    assert [{"before": None, "after": {"nested": [1, None, "x"]}}] == body(response)["data"]["changes"]["nodes"]


async def test_one_reading_an_operation() -> None:
    """All root fields are read together, once, for this viewer, as of the arrival."""
    gateway = GraphQLGateway()
    await gateway.post("{ accounts { name } other: accounts { state } resources { totalCount } }")
    ((request, arrival),) = gateway.reader.requests
    assert (["accounts", "other", "resources"], ARRIVAL) == (list(request.keys), arrival)


async def test_ages_are_told_in_extensions() -> None:
    """Every operation that was executed tells its ages."""
    response = await GraphQLGateway().post("{ accounts { name } }")
    assert {"freshness": FRESHNESS} == body(response)["extensions"]


@pytest.mark.parametrize(
    "query", ["{ __typename }", "{ __schema { queryType { name } } }", '{ __type(name: "Query") { name } }']
)
async def test_introspection_reads_nothing(query: str) -> None:
    """What the schema alone answers touches no record and tells no ages."""
    gateway = GraphQLGateway()
    response = await gateway.post(query)
    assert ["data"] == list(body(response))
    assert [] == gateway.reader.requests


async def test_fields_that_are_skipped_read_nothing() -> None:
    """An operation that asks for nothing in the end reads nothing."""
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
async def test_what_cannot_run_has_its_code(query: str, variables: dict[str, object], code: str) -> None:
    """Nothing runs; the status is 400, or 200 for clients that know only that; there are errors and no data."""
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


async def test_errors_are_not_many() -> None:
    """However much is wrong, at most 20 errors are told."""
    invalid = await GraphQLGateway().post("{ accounts { " + " ".join(f"a{n}" for n in range(100)) + " } }")
    assert 20 == len(codes(invalid))
    wanted = " ".join(f"$v{n}: String!" for n in range(40))
    used = " ".join(f"$v{n}" for n in range(40))
    coerced = await GraphQLGateway().post(
        f"query({wanted}) {{ resources(filter: {{vendor: [{used}]}}) {{ totalCount }} }}"
    )
    assert 20 == len(codes(coerced))


async def test_errors_do_not_echo_what_was_sent_at_length() -> None:
    """An error quotes at most a little of a huge input."""
    response = await GraphQLGateway().post(
        "query($id: UUID!) { resource(resourceId: $id) { id } }", variables={"id": "x" * 500_000}
    )
    assert len(response.content) < 2_000


async def test_a_reader_error_stands_on_its_field() -> None:
    """One root field's mistake nulls that field alone, and says where and which argument."""
    mistake = BadUserInput("first", "Argument 'first' is 1 to 1000, not 5000.")
    gateway = GraphQLGateway(MemoryReader(values={"one": mistake}))
    response = await gateway.post(f"{{ one: {RESOURCE} {{ id }} two: {RESOURCE} {{ vendor }} }}")
    assert 200 == response.status_code
    assert {"one": None, "two": {"vendor": "sandbox"}} == body(response)["data"]
    (error,) = body(response)["errors"]
    assert (["one"], {"code": "BAD_USER_INPUT", "argument": "first"}) == (error["path"], error["extensions"])
    assert {"freshness": FRESHNESS} == body(response)["extensions"]


@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_forbidden_before_anything_ran_is_403(accept: str) -> None:
    """A demand that the token may not make is the request's fate."""
    gateway = GraphQLGateway(MemoryReader(raises=Forbidden("Forcing needs the permission 'refresh'.")))
    response = await gateway.post("{ accounts { name } }", accept)
    assert (403, ["FORBIDDEN"]) == (response.status_code, codes(response))
    assert "data" not in body(response)


@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 400), (JSON, 200)])
async def test_refusals_of_a_whole_operation(accept: str, status: int) -> None:
    """Another refusal of the whole operation is a request error."""
    gateway = GraphQLGateway(MemoryReader(raises=LimitExceeded("things", 1, 2)))
    response = await gateway.post("{ accounts { name } }", accept)
    assert (status, ["LIMIT_EXCEEDED"]) == (response.status_code, codes(response))


@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_faults_are_masked_and_logged(accept: str) -> None:
    """A bug is told as INTERNAL with an id; the log has the bug under the same id, the answer nothing of it."""
    gateway = GraphQLGateway(MemoryReader(raises=RuntimeError(SECRET)))
    with capture_logs() as logs:
        response = await gateway.post("{ accounts { name } }", accept)
    assert 500 == response.status_code
    assert {"code": "INTERNAL", "correlationId": CORRELATION_ID} == body(response)["errors"][0]["extensions"]
    assert SECRET not in response.text
    assert "Traceback" not in response.text
    assert [(CORRELATION_ID, SECRET)] == [(log["correlation_id"], str(log["exc_info"])) for log in logs]


@pytest.mark.parametrize(
    "told",
    [{}, {"id": None}, {"id": object()}, RuntimeError(SECRET), [SECRET], 5],
    ids=["lacking", "null", "foreign", "raised", "list", "number"],
)
async def test_faults_in_an_answer_are_masked(told: object) -> None:
    """Where graphql-core renders: an answer that is not what was asked for is a fault of its field; the others stand."""
    gateway = GraphQLGateway(MemoryReader(values={"one": told}), plans=False)
    with capture_logs() as logs:
        response = await gateway.post(f"{{ one: {RESOURCE} {{ id }} two: {RESOURCE} {{ vendor }} }}")
    assert {"one": None, "two": {"vendor": "sandbox"}} == body(response)["data"]
    assert {"code": "INTERNAL", "correlationId": CORRELATION_ID} == body(response)["errors"][0]["extensions"]
    assert SECRET not in response.text
    assert 1 == len(logs)


async def test_answers_that_cannot_be_written_are_masked() -> None:
    """JSON that no JSON can hold is a fault, not a broken answer."""
    gateway = GraphQLGateway(MemoryReader(values={"resource": {"spec": {"vendor": {"lone": "\ud800"}}}}))
    response = await gateway.post(f"{{ {RESOURCE} {{ spec {{ vendor }} }} }}")
    assert (500, ["INTERNAL"]) == (response.status_code, codes(response))


async def test_correlation_ids_differ() -> None:
    """Two faults have two ids when nobody hands them in."""
    masker = ErrorMasker()
    with capture_logs():
        first, second = masker.mask(ValueError()), masker.mask(ValueError())
    assert first["extensions"]["correlationId"] != second["extensions"]["correlationId"]
