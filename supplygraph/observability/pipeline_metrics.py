"""The counts of the GraphQL pipeline as Prometheus metrics: operations, and the time in each stage of a request."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, SummaryMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from resolvers.pipeline_stats import PipelineStats


class PipelineCollector(Collector):
    """Reads the plain numbers of the pipeline when the metrics are scraped. `stats` is set once the pipeline exists."""

    def __init__(self) -> None:
        self.stats = PipelineStats()

    def collect(self) -> Iterator[Metric]:
        """Return the metrics."""
        operations = CounterMetricFamily(
            "supplygraph_operations", "Valid GraphQL operations: executed as a plan, or by Strawberry.", labels=["path"]
        )
        operations.add_metric(["plan"], self.stats.planned)
        operations.add_metric(["executed"], self.stats.executed)
        yield operations
        stages = SummaryMetricFamily(
            "supplygraph_stage_seconds", "Time that GraphQL requests spent in each stage, in seconds.", labels=["stage"]
        )
        for stage, (count, seconds) in self.stats.stages().items():
            stages.add_metric([stage], count, seconds)
        yield stages
