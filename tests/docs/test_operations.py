"""The operator's tables: every state, reason and metric that there is stands in them, and no other."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from domain.enums import AccountState, BreakerState, ScopeState, StaleReason
from supplygraph.observability.telemetry import Telemetry

TEXT = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")


def first_cells(heading: str) -> list[str]:
    """What stands between backticks in the first column of the table whose first heading this is."""
    table = re.search(rf"^\| {heading} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    assert table is not None, heading
    return re.findall(r"^\| `([A-Za-z_]+)` \|", table[1], re.MULTILINE)


@pytest.mark.parametrize(
    ("heading", "words"),
    [("account", AccountState), ("scope", ScopeState), ("reason", StaleReason), ("breaker", BreakerState)],
)
def test_every_state_says_what_to_do(heading: str, words: type[StrEnum]) -> None:
    """Each once."""
    assert sorted(word.value for word in words) == sorted(first_cells(heading))


def test_every_metric_is_told() -> None:
    """With its labels, and under the name that is exposed."""
    told = {}
    for family in text_string_to_metric_families(Telemetry().exposition().decode()):
        if not family.name.endswith("_created"):
            told[family.name + ("_total" if family.type == "counter" else "")] = family.documentation

    assert sorted(told) == sorted(first_cells("metric"))


def test_the_labels_are_those_of_the_metrics() -> None:
    """The second column, in order."""
    telemetry = Telemetry()
    labels = {
        metric._name + ("_total" if metric._type == "counter" else ""): ", ".join(metric._labelnames)
        for metric in telemetry._registry._collector_to_names
        if isinstance(metric, MetricWrapperBase)
    }
    rows = re.findall(r"^\| `(supplygraph_[a-z_]+)` \| (.*?) ?\| ", TEXT, re.MULTILINE)

    assert labels == {name: by.strip("| ") for name, by in rows}
