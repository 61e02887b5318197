"""Spontaneous events in the simulated cloud. They are the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final, Literal

from sandbox.resources import Machine, MachineStatus, Volume, VolumeStatus

_MIN_INTERVAL_SECONDS: Final = 15.0
_MAX_INTERVAL_SECONDS: Final = 45.0
_VOLUME_SHARE: Final = 0.35
_RECLAIM_SHARE: Final = 0.3
_MIN_RUNNING_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True)
class SimulatedEvent:
    """One spontaneous event. `volume_id` is empty unless a volume is attached or detached."""

    action: Literal["start", "stop", "reclaim", "attach", "detach"]
    machine_id: str
    volume_id: str = ""


class EventSchedule:
    """The instants of the events, 15 to 45 seconds apart."""

    def __init__(self, seed: int, start: datetime) -> None:
        self.random: Final = Random(f"{seed}/moves")  # noqa: S311 - simulated data, not a secret
        self._next = start
        self._step()

    def _step(self) -> None:
        self._next += timedelta(seconds=self.random.uniform(_MIN_INTERVAL_SECONDS, _MAX_INTERVAL_SECONDS))

    def due(self, now: datetime, window: timedelta) -> list[datetime]:
        """Return the instants that passed since the last call, in order.

        Instants before `now - window` are skipped, because no reader can see that far back.
        """
        self._next = max(self._next, now - window)
        instants: list[datetime] = []
        while self._next <= now:
            instants.append(self._next)
            self._step()
        return instants


def choose_event(machines: Sequence[Machine], volumes: Sequence[Volume], random: Random) -> SimulatedEvent | None:
    """Choose the next event of one tenant, or `None` if no event is possible."""
    if random.random() < _VOLUME_SHARE:
        return _volume_event(machines, volumes, random) or _machine_event(machines, random)
    return _machine_event(machines, random) or _volume_event(machines, volumes, random)


def _machine_event(machines: Sequence[Machine], random: Random) -> SimulatedEvent | None:
    running = [m for m in machines if m.status == MachineStatus.RUNNING and m.contract != "reserved"]
    stopped = [m for m in machines if m.status == MachineStatus.STOPPED]
    if running and (not stopped or len(running) > _MIN_RUNNING_SHARE * len(machines)):
        machine = random.choice(running)
        if machine.contract == "spot" and machine.reclaim_at is None and random.random() < _RECLAIM_SHARE:
            return SimulatedEvent("reclaim", machine.machine_id)
        return SimulatedEvent("stop", machine.machine_id)
    return SimulatedEvent("start", random.choice(stopped).machine_id) if stopped else None


def _volume_event(machines: Sequence[Machine], volumes: Sequence[Volume], random: Random) -> SimulatedEvent | None:
    hosts = [m for m in machines if m.status in {MachineStatus.RUNNING, MachineStatus.STOPPED}]
    attached = {attachment.volume_id for machine in machines for attachment in machine.attachments}
    detach_events = [SimulatedEvent("detach", m.machine_id, a.volume_id) for m in hosts for a in m.attachments]
    attach_events = [
        SimulatedEvent("attach", machine.machine_id, volume.volume_id)
        for volume in volumes
        if volume.status == VolumeStatus.AVAILABLE and volume.volume_id not in attached
        for machine in hosts
        if machine.region == volume.region
    ]
    events = attach_events or detach_events
    return random.choice(events) if events else None
