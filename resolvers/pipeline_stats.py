"""The counts of the pipeline. The metrics import this module without the graph, which takes long to import."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class PipelineStats:
    """Counts, since the start, the requests that ended each stage and the seconds that they spent in it.

    These are plain numbers, because updating a histogram takes longer than some of the stages.
    """

    compiled: int = 0
    authorized: int = 0
    planned: int = 0
    executed: int = 0
    compile_seconds: float = 0.0
    authorize_seconds: float = 0.0
    read_seconds: float = 0.0
    respond_seconds: float = 0.0
    execute_seconds: float = 0.0

    def stages(self) -> dict[str, tuple[int, float]]:
        """Return the count and the sum of seconds of each stage."""
        return {
            "operation": (self.compiled, self.compile_seconds),
            "authorize": (self.authorized, self.authorize_seconds),
            "read": (self.planned, self.read_seconds),
            "respond": (self.planned, self.respond_seconds),
            "execute": (self.executed, self.execute_seconds),
        }
