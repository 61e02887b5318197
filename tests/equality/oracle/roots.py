"""The answers of the root fields."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

from domain.records.model import ResourceRecord
from tests.equality.oracle.ages import is_configured
from tests.equality.oracle.cursors import InvalidCursor, parse_keyset, parse_sequence
from tests.equality.oracle.filters import STATUSES, sort_resources
from tests.equality.oracle.objects import render_account, render_coverage, render_resource
from tests.equality.oracle.pages import change_page, resource_page
from tests.equality.oracle.refusals import bad_input
from tests.equality.oracle.root_field import OracleRootField
from tests.equality.oracle.selection import SelectedField

_DEFAULT_ORDER: Final = {"field": "CREATED_AT", "direction": "DESC"}


def check_arguments(root: SelectedField) -> None:
    """Raise OracleRefusal for the first argument at or below a root field that is not valid."""
    for selected in root.walk():
        first, after = selected.arguments.get("first"), selected.arguments.get("after")
        if first is not None and not 1 <= first <= 1000:
            raise bad_input("first")
        try:
            if after is None:
                continue
            if selected.name == "resources":
                order = selected.arguments.get("orderBy") or _DEFAULT_ORDER
                parse_keyset(after, order["field"], order["direction"])
            else:
                parse_sequence(after, selected.name.upper())
        except InvalidCursor:
            raise bad_input("after") from None


def _resource(root: OracleRootField) -> Any:
    resource = root.resources.by_id.get(root.selected.arguments["resourceId"])
    return None if resource is None else render_resource(root, resource)


def _node(root: OracleRootField) -> Any:
    node_id = root.selected.arguments["id"]
    resource = next((each for each in root.resources.visible if node_id == f"Resource:{each.resource_id}"), None)
    return None if resource is None else render_resource(root, resource)


def _resources(root: OracleRootField) -> Any:
    order = root.selected.arguments.get("orderBy") or _DEFAULT_ORDER
    matches = root.resources.find(root.conditions)
    rows = sort_resources(matches, order["field"], order["direction"])
    page = resource_page(
        rows, root.selected.arguments, lambda row: render_resource(root, row, chosen=root.uses_live_values)
    )
    return {**page, "totalCount": len(matches), "coverage": lambda: render_coverage(root)}


def _changes(root: OracleRootField) -> Any:
    matches = {each.resource_id: each for each in root.resources.find(root.conditions, deleted=True)}
    changes = [change for change in root.world.history if change.entry.resource_id in matches]
    return change_page(
        changes,
        root.selected.arguments,
        "CHANGES",
        lambda change: render_resource(root, matches[change.entry.resource_id], chosen=root.uses_live_values),
    )


def _accounts(root: OracleRootField) -> Any:
    names = sorted(name for name in root.world.accounts if root.resources.may_see(name))
    return [render_account(root, root.world.accounts[name]) for name in names]


_KEYS: Final[Mapping[str, tuple[str, Callable[[OracleRootField, ResourceRecord], Any]]]] = {
    "VENDOR": ("vendor", lambda root, resource: root.world.accounts[resource.account].vendor),
    "ACCOUNT": ("account", lambda _, resource: resource.account),
    "VENDOR_REGION": ("vendorRegion", lambda _, resource: resource.vendor_region),
    "STATUS": ("status", lambda _, resource: resource.live.status.value),
    "RESOURCE_TYPE": ("resourceType", lambda _, resource: resource.resource_type.value),
    "GPU_TYPE": ("gpuType", lambda _, resource: resource.live.spec.gpu_type),
}


def _totals(root: OracleRootField) -> Any:
    keys = list(dict.fromkeys(root.selected.arguments["groupBy"]))
    groups: dict[tuple[Any, ...], list[ResourceRecord]] = defaultdict(list)
    if not keys:
        groups[()] = []
    for resource in root.resources.find(root.conditions):
        if is_configured(root.scope_of(resource), root.world.accounts[resource.account]):
            groups[tuple(_KEYS[key][1](root, resource) for key in keys)].append(resource)
    return [_total(root, keys, group, groups[group]) for group in sorted(groups, key=lambda each: _rank(keys, each))]


def _rank(keys: list[str], group: tuple[Any, ...]) -> list[Any]:
    """Return the sort key of a group: null first, statuses in their order, texts by code point."""
    return [
        (value is not None, (STATUSES.index(value) if key == "STATUS" else value) if value is not None else 0)
        for key, value in zip(keys, group, strict=True)
    ]


def _total(root: OracleRootField, keys: list[str], group: tuple[Any, ...], members: list[ResourceRecord]) -> Any:
    sums: dict[str, Fraction] = defaultdict(Fraction)
    prices = [each.live.price for each in members]
    priced = [price for price in prices if price.amount is not None and price.currency is not None]
    for price in priced:
        # A price is a decimal number, and decimal numbers are added exactly.
        sums[str(price.currency)] += Fraction(repr(price.amount))
    values = dict.fromkeys(name for name, _ in _KEYS.values()) | {
        _KEYS[key][0]: value for key, value in zip(keys, group, strict=True)
    }
    return {
        **values,
        "count": len(members),
        "gpuCount": sum(each.live.spec.gpu_count or 0 for each in members),
        "hourly": [{"currency": currency, "amount": float(sums[currency])} for currency in sorted(sums)],
        "unpricedCount": len(members) - len(priced),
        "coverage": lambda: render_coverage(root),
    }


ROOT_ANSWERS: Final[Mapping[str, Callable[[OracleRootField], Any]]] = {
    "resource": _resource,
    "node": _node,
    "resources": _resources,
    "changes": _changes,
    "accounts": _accounts,
    "resourceTotals": _totals,
}


def empty_answer(name: str) -> Any:
    """Return what stands for the answer of a refused root field while the others note their resources."""
    ends = {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}
    blank: dict[str, Any] = {"complete": True, "sweptAt": None, "gaps": []}
    empty = {"nodes": [], "edges": [], "totalCount": 0, "pageInfo": ends, "coverage": blank}
    return {"resources": empty, "changes": empty, "resourceTotals": []}.get(name)


def parse_uuid(value: object) -> UUID:
    """Parse the scalar UUID. Raises ValueError or TypeError."""
    if not isinstance(value, str) or len(value) > 64:
        raise TypeError("not a UUID")
    return UUID(value)
