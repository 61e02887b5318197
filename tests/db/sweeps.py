"""Accounts, scopes and sweeps that the tests of the database share."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from db.record.store import Store
from domain.enums import ResourceKind, ResourceStatus
from domain.ports import AccountSetup
from domain.records.model import Changes, ScopeKey
from domain.records.observation import Observation, SweepResult
from domain.rules import AbsenceRules
from reconcile.rules.decision import Credential, DecisionContext, decide_sweep
from reconcile.runner import named_keys
from tests.clock import ManualClock
from tests.observations import attached, machine

LAB = AccountSetup("lab", "lambda", 30, ((ResourceKind.MACHINES, None), (ResourceKind.VOLUMES, None)))
OTHER = AccountSetup("other", "lambda", 30, ((ResourceKind.MACHINES, None), (ResourceKind.VOLUMES, None)))
MACHINES = ScopeKey("lab", ResourceKind.MACHINES, None)
VOLUMES = ScopeKey("lab", ResourceKind.VOLUMES, None)


def decision_context(clock: ManualClock, *, probes: bool = True) -> DecisionContext:
    """Return the context of the decisions in these tests."""
    return DecisionContext(
        AbsenceRules(),
        Credential("salt", lambda salt: f"hash of {salt}"),
        ResourceKind.MACHINES,
        probes,
        clock.now(),
        lambda failures: 5.0 * failures,
    )


async def sweep(store: Store, clock: ManualClock, scope: ScopeKey, result: SweepResult) -> Changes:
    """Draw a flight number, decide and apply, as a flight does."""
    ticket = await store.draw(scope.account)
    return await store.apply(
        scope,
        named_keys(result.observations),
        whole=True,
        decide=lambda state: decide_sweep(state, ticket, result, decision_context(clock)),
    )


def random_listings(random: Random, count: int) -> Sequence[tuple[Observation, ...]]:
    """Return listings of up to four machines with random statuses, names and attachments."""
    statuses = [ResourceStatus.RUNNING, ResourceStatus.STOPPED, ResourceStatus.STOPPING, ResourceStatus.ERROR]
    return [
        tuple(
            machine(
                f"m-{number}",
                status=random.choice(statuses),
                name=random.choice(["a", "b", None]),
                links=tuple(attached(f"v-{other}") for other in range(3) if random.random() < 0.3),
            )
            for number in range(4)
            if random.random() < 0.8
        )
        for _ in range(count)
    ]
