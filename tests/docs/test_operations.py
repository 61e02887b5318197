"""The operator's tables: every state, reason, metric and log event is in them, and no other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

import pytest
from prometheus_client import Metric
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from domain.enums import AccountState, BreakerState, ScopeState, StaleReason
from supplygraph.observability.telemetry import Telemetry
from tests.docs.pages import DOCS, ROOT, read

TEXT = read(DOCS / "operations.md")
_PRODUCT = ("supplygraph", "schema", "resolvers", "reconcile", "vendors", "db", "sandbox")


def first_cells(heading: str) -> list[str]:
    """Return the names between backticks in the first column of the table with this heading."""
    table = re.search(rf"^\| {heading} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    assert table is not None, f"operations.md has no table headed {heading}"
    return re.findall(r"^\| `([A-Za-z_]+)` \|", table[1], re.MULTILINE)


def _families(collector: Collector) -> list[tuple[Metric, Sequence[str]]]:
    """Return the metrics of a collector with the names of their labels, also if they have no samples yet."""
    own_names = collector._labelnames if isinstance(collector, MetricWrapperBase) else None
    return [
        (family, family._labelnames if own_names is None else own_names)  # type: ignore[attr-defined]
        for family in collector.collect()
    ]


@pytest.mark.parametrize(
    ("heading", "enum"),
    [("account", AccountState), ("scope", ScopeState), ("reason", StaleReason), ("breaker", BreakerState)],
)
def test_every_state_says_what_to_do(heading: str, enum: type[StrEnum]) -> None:
    """Each value is in its table once."""
    assert sorted(value.value for value in enum) == sorted(first_cells(heading))


def test_every_metric_is_documented() -> None:
    """The metrics are listed under the names that `/metrics` shows."""
    names = [
        family.name + ("_total" if family.type == "counter" else "")
        for family in text_string_to_metric_families(Telemetry().exposition().decode())
        if not family.name.endswith("_created")
    ]

    assert sorted(names) == sorted(first_cells("metric"))


def test_the_labels_are_those_of_the_metrics() -> None:
    """The second column of the table has each metric's labels in order."""
    labels = {
        family.name + ("_total" if family.type == "counter" else ""): ", ".join(names)
        for collector in Telemetry()._registry._collector_to_names
        for family, names in _families(collector)
    }
    rows = re.findall(r"^\| `(supplygraph_[a-z_]+)` \| (.*?) ?\| ", TEXT, re.MULTILINE)

    assert labels == {name: text.strip("| ") for name, text in rows}


def test_every_log_event_is_documented() -> None:
    """The table of events has every event that the code logs, and no other."""
    paths = [path for folder in _PRODUCT for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts]
    events = {
        event
        for path in paths
        for event in re.findall(r'(?:\.(?:debug|info|warning|error)|\blog)\(\s*"([a-z_]+)"', read(path))
    }

    assert sorted(events) == sorted(first_cells("event"))
