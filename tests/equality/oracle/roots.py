"""What answers each root field."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

from domain.records.model import ResourceRecord
from tests.equality.oracle.ages import configured
from tests.equality.oracle.choosing import STATUSES, ordered
from tests.equality.oracle.cursors import NoCursor, keyset, sequence
from tests.equality.oracle.demanding import Root
from tests.equality.oracle.paging import change_page, resource_page
from tests.equality.oracle.refusals import bad
from tests.equality.oracle.selecting import Asked
from tests.equality.oracle.telling import account, coverage, resource


def check(asked: Asked) -> None:
    """Raise Refusal for the first argument at or below a root field that cannot be honoured."""
    for one in asked.every():
        first, after = one.arguments.get("first"), one.arguments.get("after")
        if first is not None and not 1 <= first <= 1000:
            raise bad("first")
        try:
            if after is None:
                continue
            if one.name == "resources":
                order = one.arguments.get("orderBy") or {"field": "CREATED_AT", "direction": "DESC"}
                keyset(after, order["field"], order["direction"])
            else:
                sequence(after, one.name.upper())
        except NoCursor:
            raise bad("after") from None


def _resource(root: Root) -> Any:
    found = root.choice.by_id.get(root.asked.arguments["resourceId"])
    return None if found is None else resource(root, found)


def _node(root: Root) -> Any:
    given = root.asked.arguments["id"]
    found = next((one for one in root.choice.visible if given == f"Resource:{one.resource_id}"), None)
    return None if found is None else resource(root, found)


def _resources(root: Root) -> Any:
    order = root.asked.arguments.get("orderBy") or {"field": "CREATED_AT", "direction": "DESC"}
    matching = root.choice.matching(root.conditions)
    rows = ordered(matching, order["field"], order["direction"])
    page = resource_page(rows, root.asked.arguments, lambda one: resource(root, one, chosen=root.by_live))
    return {**page, "totalCount": len(matching), "coverage": lambda: coverage(root)}


def _changes(root: Root) -> Any:
    matching = {one.resource_id: one for one in root.choice.matching(root.conditions, dead=True)}
    changes = [one for one in root.world.history if one.entry.resource_id in matching]
    return change_page(
        changes,
        root.asked.arguments,
        "CHANGES",
        lambda one: resource(root, matching[one.entry.resource_id], chosen=root.by_live),
    )


def _accounts(root: Root) -> Any:
    names = sorted(name for name in root.world.accounts if root.choice.may_see(name))
    return [account(root, root.world.accounts[name]) for name in names]


_KEYS: Final[Mapping[str, tuple[str, Callable[[Root, ResourceRecord], Any]]]] = {
    "VENDOR": ("vendor", lambda root, one: root.world.accounts[one.account].vendor),
    "ACCOUNT": ("account", lambda _, one: one.account),
    "VENDOR_REGION": ("vendorRegion", lambda _, one: one.vendor_region),
    "STATUS": ("status", lambda _, one: one.live.status.value),
    "RESOURCE_TYPE": ("resourceType", lambda _, one: one.resource_type.value),
    "GPU_TYPE": ("gpuType", lambda _, one: one.live.spec.gpu_type),
}


def _totals(root: Root) -> Any:
    keys = list(dict.fromkeys(root.asked.arguments["groupBy"]))
    groups: dict[tuple[Any, ...], list[ResourceRecord]] = defaultdict(list)
    if not keys:
        groups[()] = []
    for one in root.choice.matching(root.conditions):
        if configured(root.scope_of(one), root.world.accounts[one.account]):
            groups[tuple(_KEYS[key][1](root, one) for key in keys)].append(one)
    return [_row(root, keys, names, groups[names]) for names in sorted(groups, key=lambda names: _rank(keys, names))]


def _rank(keys: list[str], names: tuple[Any, ...]) -> list[Any]:
    """Null first, statuses in their order, texts by code point."""
    return [
        (name is not None, (STATUSES.index(name) if key == "STATUS" else name) if name is not None else 0)
        for key, name in zip(keys, names, strict=True)
    ]


def _row(root: Root, keys: list[str], names: tuple[Any, ...], held: list[ResourceRecord]) -> Any:
    sums: dict[str, Fraction] = defaultdict(Fraction)
    priced = [
        one.live.price for one in held if one.live.price.amount is not None and one.live.price.currency is not None
    ]
    for price in priced:
        # A price is the decimal that it was told as, and such are added without an error.
        sums[str(price.currency)] += Fraction(repr(price.amount))
    shown = dict.fromkeys(each for each, _ in _KEYS.values()) | {
        _KEYS[key][0]: name for key, name in zip(keys, names, strict=True)
    }
    return {
        **shown,
        "count": len(held),
        "gpuCount": sum(one.live.spec.gpu_count or 0 for one in held),
        "hourly": [{"currency": each, "amount": float(sums[each])} for each in sorted(sums)],
        "unpricedCount": len(held) - len(priced),
        "coverage": lambda: coverage(root),
    }


ANSWERS: Final[Mapping[str, Callable[[Root], Any]]] = {
    "resource": _resource,
    "node": _node,
    "resources": _resources,
    "changes": _changes,
    "accounts": _accounts,
    "resourceTotals": _totals,
}


def nothing(name: str) -> Any:
    """What stands for the answer of a root field that is refused, while the others are looked at."""
    ends = {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}
    blank: dict[str, Any] = {"complete": True, "sweptAt": None, "gaps": []}
    empty = {"nodes": [], "edges": [], "totalCount": 0, "pageInfo": ends, "coverage": blank}
    return {"resources": empty, "changes": empty, "resourceTotals": []}.get(name)


def a_uuid(value: object) -> UUID:
    """A UUID of the graph. Raises ValueError or TypeError."""
    if not isinstance(value, str) or len(value) > 64:
        raise TypeError("no UUID")
    return UUID(value)
