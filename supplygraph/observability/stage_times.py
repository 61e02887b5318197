"""How long the stages of a GraphQL request take, as one Prometheus summary."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import SummaryMetricFamily
from prometheus_client.registry import Collector


class StageTimes(Collector):
    """Sums seconds in plain dicts: every request ends several stages, and a Histogram takes longer than some of them."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def add(self, stage: str, seconds: float) -> None:
        """Add one stage of one request."""
        self._seconds[stage] = self._seconds.get(stage, 0.0) + seconds
        self._counts[stage] = self._counts.get(stage, 0) + 1

    def collect(self) -> Iterator[SummaryMetricFamily]:
        """Return the sums and counts by stage."""
        family = SummaryMetricFamily(
            "supplygraph_stage_seconds", "Seconds that the stages of GraphQL requests took.", labels=["stage"]
        )
        for stage, seconds in self._seconds.items():
            family.add_metric([stage], self._counts[stage], seconds)
        yield family
