"""Hypothesis strategies for worlds and filters. Each value has few alternatives, so ties, nulls and matches are common."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st

from tests.db_query.support.rows import RowWorld, ago, uuid_of

FEW_EXAMPLES: Final = settings(max_examples=settings().max_examples // 4, deadline=None)
"""A quarter of the usual number, because each example creates a database."""
STATUSES: Final = ("PENDING", "RUNNING", "STOPPED", "DELETED", "UNKNOWN")
NAMES: Final = (None, "", "a", "A", "b%", "b_", "Straße", "STRASSE", "é", "\U0001f600", "\uffff")
ACCOUNTS: Final = ("east", "west")
ORDERS: Final = ("CREATED_AT", "NAME", "STATUS", "PRICING_TOTAL_HOURLY")

_RESOURCE: Final = st.fixed_dictionaries(
    {
        "name": st.sampled_from(NAMES),
        "status": st.sampled_from(STATUSES),
        "price_text": st.sampled_from((None, "0.0", "0.1", "2.5")),
        "currency": st.sampled_from((None, "USD", "EUR")),
        "gpu_type": st.sampled_from((None, "H100", "A100")),
        "gpu_family": st.sampled_from((None, "hopper")),
        "gpu_count": st.sampled_from((None, 1, 8)),
        "created_at": st.sampled_from((ago(100), ago(200), ago(300))),
        "missing_since": st.sampled_from((None, None, ago(50))),
        "vendor_id": st.sampled_from(("v-1", "v-2", "v-3", "v-4", "v-5", "v-6")),
        "resource_type": st.sampled_from(("VM", "BLOCK_DISK", "OTHER")),
    }
)


@st.composite
def worlds(draw: st.DrawFn) -> RowWorld:
    """Two accounts of different vendors, three scopes, up to ten resources, their links and provenance."""
    world = RowWorld()
    east, west = world.add_account("east", "sandbox"), world.add_account("west", "aws")
    scopes = [
        world.add_scope(east),
        world.add_scope(west, region="us-east-1"),
        world.add_scope(west, "VOLUMES", "us-west-2"),
    ]
    living: set[object] = set()
    for number, values in enumerate(draw(st.lists(_RESOURCE, min_size=draw(st.sampled_from((0, 5))), max_size=10))):
        scope = scopes[draw(st.integers(0, 2))]
        # An account has at most one living resource of a kind and vendor id.
        key = (scope["account_id"], scope["kind"], values["vendor_id"])
        if values["status"] != "DELETED" and key in living:
            values["status"] = "DELETED"
        living.add(key)
        world.add_resource(scope, number, **values)
        if draw(st.booleans()):
            world.add_provenance(world.resources[-1], draw(st.integers(0, 1)))
    _add_links(draw, world)
    return world


def _add_links(draw: st.DrawFn, world: RowWorld) -> None:
    if len(world.resources) < 2:
        return
    indexes = st.integers(0, len(world.resources) - 1)
    linked: set[frozenset[object]] = set()
    for owner, other in draw(st.lists(st.tuples(indexes, indexes), max_size=6)):
        # Two vendor keys have at most one open link.
        ends = frozenset((row["kind"], row["vendor_id"]) for row in (world.resources[owner], world.resources[other]))
        if len(ends) == 1 or ends in linked:
            continue
        linked.add(ends)
        world.add_link(
            world.resources[owner],
            world.resources[other],
            draw(st.sampled_from(("ATTACHED_STORAGE", "MEMBER_OF", "SAME_MACHINE"))),
            linked_since=draw(st.sampled_from((ago(500), ago(400)))),
            linked_until=draw(st.sampled_from((None, None, ago(20)))),
        )


def _list_of(values: tuple[str, ...]) -> st.SearchStrategy[list[str] | None]:
    return st.none() | st.lists(st.sampled_from(values), max_size=3)


_CONDITIONS: Final[dict[str, st.SearchStrategy[Any]]] = {
    "resourceId": st.none() | st.lists(st.integers(0, 9).map(uuid_of), max_size=4),
    "vendorId": _list_of(("v-1", "v-2", "v-9")),
    "vendor": _list_of(("sandbox", "aws", "lambda")),
    "account": _list_of(ACCOUNTS),
    "vendorRegion": _list_of(("unknown", "us-east-1")),
    "status": _list_of(STATUSES),
    "resourceType": _list_of(("VM", "BLOCK_DISK", "OTHER")),
    "gpuType": _list_of(("H100", "A100", "B200")),
    "gpuFamily": _list_of(("hopper",)),
    "nameContains": st.sampled_from((None, "", "A", "%", "_", "SS", "ß", "É", "\U0001f600")),
    "offerId": st.sampled_from((None, UUID(int=1000, version=5), str(UUID(int=1001, version=5)))),
    "linkedTo": st.none() | st.integers(0, 9).map(uuid_of),
    "unconfirmed": st.sampled_from((None, True, False)),
    "includeDeleted": st.booleans(),
    "includeDuplicates": st.booleans(),
}


@st.composite
def filters(draw: st.DrawFn) -> dict[str, Any]:
    """Up to three conditions. More of them would match hardly anything."""
    names = draw(st.lists(st.sampled_from(list(_CONDITIONS)), max_size=3, unique=True))
    return {name: draw(_CONDITIONS[name]) for name in names}


VISIBLE_ACCOUNTS: Final = st.sampled_from(
    (None, frozenset({"east"}), frozenset({"west"}), frozenset(ACCOUNTS), frozenset[str]())
)
"""The accounts that a viewer sees; None for all."""
