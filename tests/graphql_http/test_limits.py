"""Limits on operations: each one at its edge, with the reported count, and texts that try to cause much work."""

from __future__ import annotations

import pytest
from graphql import FragmentDefinitionNode, OperationDefinitionNode, get_introspection_query, parse
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import LimitExceeded
from domain.rules import OperationLimits
from resolvers.operation.limits import check_document
from tests.graphql_http.gateway import RESOURCE_ID, GraphQLGateway, body, codes

RESOURCE = f'resource(resourceId: "{RESOURCE_ID}")'


def roots(count: int, arguments: str = "") -> str:
    """Return a query with this number of root fields."""
    return "{ " + " ".join(f"r{n}: resources{arguments} {{ totalCount }}" for n in range(count)) + " }"


def walk(hops: int) -> str:
    """Return a query that follows this number of links."""
    inner = "id"
    for _ in range(hops):
        inner = f"linkedResources {{ resource {{ {inner} }} }}"
    return f"{{ {RESOURCE} {{ {inner} }} }}"


def wide(fields: int) -> str:
    """Return a query with this number of fields, where the fields of a fragment count once for each spread."""
    tens, ones = divmod(fields - 1, 10)
    inner = " ".join([*["...Ten"] * tens, *(f"x{n}: name" for n in range(ones))])
    ten = " ".join(f"a{n}: name" for n in range(10))
    return f"{{ accounts {{ {inner} }} }} fragment Ten on VendorAccount {{ {ten} }}"


def deep(levels: int) -> str:
    """Return a query with this number of levels, the last one in a fragment."""
    inner = "...Leaf"
    for level in range(levels - 2):
        inner = f"... on Resource {{ linkedResources {{ {inner} }} }}" if level % 2 else f"resource {{ {inner} }}"
    return f"{{ changes {{ {inner} }} }} fragment Leaf on LinkedResource {{ name }}"


def tokens(count: int) -> str:
    """Return a query with this number of tokens, comments not counted, and few fields."""
    vendors = '"x" ' * (count - 22)
    return (
        f"# not counted\n{{ resources(filter: {{vendor: [{vendors}]}}) {{ totalCount }} a: __typename b: __typename }}"
    )


def nodes(last: int) -> str:
    """Return a query of 100 resources with 10 links and 188 changes each, which are 19,900 nodes, and of a page of this size."""
    return (
        "query($n: Int! = 188) { resources(first: 100) { nodes { linkedResources { name } history(first: $n)"
        f" {{ nodes {{ field }} }} }} }} changes(first: {last}) {{ nodes {{ field }} }} }}"
    )


EDGES = [
    ("tokens", tokens(2_000), tokens(2_001), 2_000, 2_001),
    ("fields", wide(500), wide(501), 500, 501),
    ("root fields", roots(20), roots(21), 20, 21),
    ("forced root fields", roots(5, "(freshness: {forceRefresh: true})"), roots(6, "(freshness: {forceRefresh: true})"), 5, 6),
    ("forced root fields", roots(5, "(freshness: {maxAgeSeconds: 0})"), roots(6, "(freshness: {maxAgeSeconds: 0})"), 5, 6),
    ("levels of linkedResources", walk(4), walk(5), 4, 5),
    ("nodes", nodes(100), nodes(101), 20_000, 20_001),
]  # fmt: skip


@pytest.mark.parametrize(("limit", "inside", "beyond", "allowed", "count"), EDGES)
async def test_limits_at_their_edge(limit: str, inside: str, beyond: str, allowed: int, count: int) -> None:
    """An operation at the limit runs. One beyond it is refused before it is read, with the limit and the count."""
    assert [] == codes(await GraphQLGateway().post(inside))
    gateway = GraphQLGateway()
    response = await gateway.post(beyond)
    assert (400, []) == (response.status_code, gateway.reader.requests)
    assert [{"code": "LIMIT_EXCEEDED", "limit": limit, "allowed": allowed, "count": count}] == [
        error["extensions"] for error in body(response)["errors"]
    ]


def test_depth_is_counted_through_fragments() -> None:
    """12 levels are allowed and 13 are not, even if some of them are in a fragment."""
    check_document(parse(deep(12)), OperationLimits())
    with pytest.raises(LimitExceeded) as caught:
        check_document(parse(deep(13)), OperationLimits())
    assert ("levels of depth", 12, 13) == (caught.value.limit, caught.value.allowed, caught.value.count)


async def test_variables_count_as_nodes() -> None:
    """A page size in a variable multiplies the nodes like one in the text."""
    response = await GraphQLGateway().post(nodes(100), variables={"n": 189})
    assert [20_100] == [error["extensions"]["count"] for error in body(response)["errors"]]


@pytest.mark.parametrize("first", [-5, 0, 1_001, 2_000_000_000])
async def test_page_sizes_out_of_bounds_are_errors_of_their_field(first: int) -> None:
    """They are reported as an invalid argument of the field, not as a limit."""
    response = await GraphQLGateway().post(f"{{ resources(first: {first}) {{ totalCount }} }}")
    assert (200, ["BAD_USER_INPUT"]) == (response.status_code, codes(response))


async def test_full_introspection_is_allowed() -> None:
    """The deepest introspection that tools send is answered, including chains of 15 wrapped types."""
    full = get_introspection_query(
        descriptions=True, specified_by_url=True, directive_is_repeatable=True, schema_description=True,
        input_value_deprecation=True,
    )  # fmt: skip
    assert [] == codes(await GraphQLGateway().post(full))
    chain = "name"
    for _ in range(15):
        chain = f"name ofType {{ {chain} }}"
    query = "{ __schema { types { ...T } } } fragment T on __Type { fields { args { type { %s } } } }"
    assert [] == codes(await GraphQLGateway().post(query.replace("%s", chain)))


@pytest.mark.parametrize(
    "query",
    [
        "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
        "{ __schema { types { " + "ofType { " * 30 + "name" + " }" * 30 + " } } }",
        "{ __schema { types { ...T } } } fragment T on __Type { " + "ofType { " * 30 + "name" + " }" * 30 + " }",
    ],
)
async def test_introspection_is_bounded(query: str) -> None:
    """Introspection that follows cycles is refused."""
    assert 400 == (await GraphQLGateway().post(query)).status_code


def chain(links: int, spreads: int, inner: str) -> str:
    """Return a chain of fragments that each spread the next one `spreads` times."""
    fragments = (f"fragment F{n} on Query {{ {f'...F{n + 1} ' * spreads}}}" for n in range(links))
    return "{ ...F0 } " + " ".join(fragments) + f" fragment F{links} on Query {{ {inner} }}"


ATTACKS = {
    "doubling": chain(120, 2, "accounts { name }"),
    "doubling nothing": chain(120, 2, "__typename"),
    "long chain": chain(240, 1, "accounts { name }"),
    "cycle": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "cycle of itself": "{ accounts { ...A } } fragment A on VendorAccount { name ...A }",
    "cycle through fields": "{ changes { nodes { resource { ...A } } } }"
    " fragment A on Resource { linkedResources { resource { ...A } } }",
    "conflicts": "{ resources { nodes { " + "a: name a: vendor " * 240 + "} } }",
    "inline nest": "{ " + "... on Query { " * 400 + "__typename" + " }" * 400 + " }",
    "list nest": "{ resources(filter: " + "[" * 190 + "]" * 190 + ") { totalCount } }",
    "deeper list nest": "{ resources(filter: " + "[" * 900 + "]" * 900 + ") { totalCount } }",
    "object nest": "{ resources(filter: " + "{a:" * 190 + "1" + "}" * 190 + ") { totalCount } }",
    "type nest": "query($a: " + "[" * 900 + "Int" + "]" * 900 + ") { resources(first: $a) { totalCount } }",
    "empty selection": "{ resources { } }",
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_attacks_are_refused(name: str) -> None:
    """Operations that multiply or recurse are refused, and the error does not quote them at length."""
    gateway = GraphQLGateway()
    response = await gateway.post(ATTACKS[name])
    assert (400, []) == (response.status_code, gateway.reader.requests)
    assert len(response.content) < 30_000


async def test_deep_nesting_without_fields_is_answered() -> None:
    """Nested inline fragments that add no fields are allowed up to the limit of the parser."""
    deepest = "{ " + "... on Query { " * 190 + "accounts { name }" + " }" * 190 + " }"
    assert [] == codes(await GraphQLGateway().post(deepest))


async def test_deeply_nested_variables_are_refused() -> None:
    """The error concerns the variable."""
    nest: object = 1
    for _ in range(900):
        nest = {"vendor": [nest]} if nest == 1 else [nest]
    query = "query($f: ResourceFilter) { resources(filter: $f) { totalCount } }"
    response = await GraphQLGateway().post(query, variables={"f": {"vendor": nest}})
    assert (400, {"BAD_USER_INPUT"}) == (response.status_code, set(codes(response)))


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 6), st.integers(1, 3), st.integers(0, 3))
def test_fields_of_fragments_count_at_each_spread(links: int, spreads: int, fields: int) -> None:
    """The count is that of the operation with every fragment replaced by its fields."""
    inner = " ".join(["__typename", *(f"a{n}: __typename" for n in range(fields))])
    document = parse(chain(links, spreads, inner))
    count = spreads**links * (fields + 1)
    kinds = {type(definition) for definition in document.definitions}
    assert {OperationDefinitionNode, FragmentDefinitionNode} == kinds
    check_document(document, OperationLimits(fields=count, root_fields=count))
    with pytest.raises(LimitExceeded) as caught:
        check_document(document, OperationLimits(fields=count - 1, root_fields=count))
    assert count == caught.value.count
