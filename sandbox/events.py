"""What happens in the simulated cloud by itself: now and then, and the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final, Literal

from sandbox.resources import Machine, MachineStatus, Volume, VolumeStatus

_SHORTEST: Final = 15.0
_LONGEST: Final = 45.0
_VOLUME_SHARE: Final = 0.35
_RECLAIM_SHARE: Final = 0.3
_LEAST_RUNNING: Final = 0.5


@dataclass(frozen=True, slots=True)
class SimulatedEvent:
    """One thing that happens by itself."""

    action: Literal["start", "stop", "reclaim", "attach", "detach"]
    machine_id: str
    volume_id: str = ""


class EventSchedule:
    """The instants at which something happens: 15 to 45 seconds apart."""

    def __init__(self, seed: int, start: datetime) -> None:
        self.random: Final = Random(f"{seed}/moves")  # noqa: S311 - an invented cloud, no secret
        self._next = start
        self._step()

    def _step(self) -> None:
        self._next += timedelta(seconds=self.random.uniform(_SHORTEST, _LONGEST))

    def due(self, now: datetime, kept: timedelta) -> list[datetime]:
        """The instants that passed since the last call, in order. Those longer ago than `kept` are skipped: none can see them."""
        self._next = max(self._next, now - kept)
        passed: list[datetime] = []
        while self._next <= now:
            passed.append(self._next)
            self._step()
        return passed


def choose_event(machines: Sequence[Machine], volumes: Sequence[Volume], random: Random) -> SimulatedEvent | None:
    """What happens next to one tenant: None where nothing can."""
    if random.random() < _VOLUME_SHARE:
        return _volume_move(machines, volumes, random) or _machine_move(machines, random)
    return _machine_move(machines, random) or _volume_move(machines, volumes, random)


def _machine_move(machines: Sequence[Machine], random: Random) -> SimulatedEvent | None:
    running = [m for m in machines if m.status == MachineStatus.RUNNING and m.contract != "reserved"]
    stopped = [m for m in machines if m.status == MachineStatus.STOPPED]
    if running and (not stopped or len(running) > _LEAST_RUNNING * len(machines)):
        machine = random.choice(running)
        if machine.contract == "spot" and machine.reclaim_at is None and random.random() < _RECLAIM_SHARE:
            return SimulatedEvent("reclaim", machine.machine_id)
        return SimulatedEvent("stop", machine.machine_id)
    return SimulatedEvent("start", random.choice(stopped).machine_id) if stopped else None


def _volume_move(machines: Sequence[Machine], volumes: Sequence[Volume], random: Random) -> SimulatedEvent | None:
    hosts = [m for m in machines if m.status in {MachineStatus.RUNNING, MachineStatus.STOPPED}]
    held = {attachment.volume_id for machine in machines for attachment in machine.attachments}
    detach = [SimulatedEvent("detach", m.machine_id, a.volume_id) for m in hosts for a in m.attachments]
    attach = [
        SimulatedEvent("attach", machine.machine_id, volume.volume_id)
        for volume in volumes
        if volume.status == VolumeStatus.AVAILABLE and volume.volume_id not in held
        for machine in hosts
        if machine.region == volume.region
    ]
    moves = attach or detach
    return random.choice(moves) if moves else None
