"""The state of the simulated cloud: a pure function of the actions on it and of its clock.

Nothing runs in the background. Every read first carries out the events that are due, so a test moves the clock and sees
machines start, stop and disappear. The past hour is retained, so that an answer can show a past instant.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from threading import RLock
from typing import Final, Self, TypeVar

from domain.timestamps import Clock
from sandbox.actions import TenantActions, TransitionTimes
from sandbox.catalogue import list_offers
from sandbox.events import EventSchedule, choose_event
from sandbox.population import populate
from sandbox.resources import Machine, RentalOffer, Volume
from sandbox.tenants import Tenant

PAST_WINDOW: Final = timedelta(hours=1)
"""How far back an answer can show the past."""
_FORGET_INTERVAL: Final = timedelta(minutes=1)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TenantKey:
    """An API key whose repr does not show it."""

    text: str = field(repr=False)


class World:
    """All tenants of the simulated cloud. Safe to use from several threads.

    `api_keys` maps tenant names to API keys. If `lively`, spontaneous events happen, and they are the same for the same seed
    and start time. Methods raise ApiError where the cloud's API returns an error.
    """

    def __init__(
        self,
        clock: Clock,
        seed: int,
        api_keys: Mapping[str, str],
        *,
        lively: bool = False,
        times: TransitionTimes | None = None,
    ) -> None:
        now = clock.now()
        self._clock = clock
        self._lock = RLock()
        self._times = times or TransitionTimes()
        self._random = Random(f"{seed}/ids")  # noqa: S311 - simulated data, not a secret
        self._keys = {name: TenantKey(text) for name, text in api_keys.items()}
        self._tenants = {name: Tenant() for name in api_keys}
        self._last_forgotten_at = now
        self._schedule = EventSchedule(seed, now) if lively else None

    @classmethod
    def default(
        cls,
        clock: Clock,
        seed: int,
        api_keys: Mapping[str, str],
        *,
        machines: int = 12,
        volumes: int = 6,
        lively: bool = True,
        times: TransitionTimes | None = None,
    ) -> Self:
        """Create a cloud with machines and volumes, distributed evenly over the tenants.

        Ids and times of creation depend on the seed alone, so a restarted cloud shows the same machines.
        """
        world = cls(clock, seed, api_keys, lively=lively, times=times)
        now = clock.now()
        for position, name in enumerate(api_keys):
            world._tenants[name] = populate(seed, position, len(api_keys), machines, volumes, now=now)
        return world

    @property
    def tenants(self) -> tuple[str, ...]:
        """The names of the tenants."""
        return tuple(self._tenants)

    def now(self) -> datetime:
        """Return the cloud's time."""
        return self._clock.now()

    def tenant_of(self, api_key: str) -> str | None:
        """Return the tenant that the key belongs to, or `None` for an unknown key. Keys are compared in constant time."""
        tenant = None
        for name, key in self._keys.items():
            if hmac.compare_digest(key.text.encode(), api_key.encode(errors="surrogatepass")):
                tenant = name
        return tenant

    def machines(self, tenant: str, at: datetime | None = None) -> tuple[Machine, ...]:
        """Return the machines ordered by id, now or at an instant of the last hour."""
        return self._run(lambda now: self._tenants[tenant].machines.at(at or now))

    def volumes(self, tenant: str, at: datetime | None = None) -> tuple[Volume, ...]:
        """Return the volumes ordered by id, now or at an instant of the last hour."""
        return self._run(lambda now: self._tenants[tenant].volumes_at(at or now))

    def machine(self, tenant: str, machine_id: str, at: datetime | None = None) -> Machine:
        """Return one machine. Raises ApiError with the code `no_such_machine`."""
        return self._run(lambda now: self._tenants[tenant].machines.current(machine_id, at or now))

    def volume(self, tenant: str, volume_id: str, at: datetime | None = None) -> Volume:
        """Return one volume. Raises ApiError with the code `no_such_volume`."""
        return self._run(lambda now: self._tenants[tenant].current_volume(volume_id, at or now))

    def offers(self) -> tuple[RentalOffer, ...]:
        """Return all offers."""
        return list_offers()

    def create_machine(
        self,
        tenant: str,
        name: str,
        *,
        sku: str,
        region: str,
        contract: str = "ondemand",
        image: str = "ubuntu-24.04-cuda-12.8",
    ) -> Machine:
        """Rent a machine. It provisions, then runs."""
        return self._act(tenant, lambda actions: actions.create_machine(name, sku, region, contract, image))

    def start(self, tenant: str, machine_id: str) -> Machine:
        """Start a stopped machine. It provisions, then runs."""
        return self._act(tenant, lambda actions: actions.start(machine_id))

    def stop(self, tenant: str, machine_id: str) -> Machine:
        """Stop a running machine."""
        return self._act(tenant, lambda actions: actions.stop(machine_id))

    def terminate(self, tenant: str, machine_id: str) -> Machine:
        """Delete a machine. It is deleting, then listed as deleted for a while, then no longer listed."""
        return self._act(tenant, lambda actions: actions.terminate(machine_id))

    def attach(self, tenant: str, machine_id: str, volume_id: str) -> Machine:
        """Attach a volume from the machine's region. A block volume is attached to one machine at a time."""
        return self._act(tenant, lambda actions: actions.attach(machine_id, volume_id))

    def detach(self, tenant: str, machine_id: str, volume_id: str) -> Machine:
        """Detach a volume."""
        return self._act(tenant, lambda actions: actions.detach(machine_id, volume_id))

    def create_volume(self, tenant: str, name: str, form: str, size_gb: int, region: str) -> Volume:
        """Rent a volume. `form` is block or shared."""
        return self._act(tenant, lambda actions: actions.create_volume(name, form, size_gb, region))

    def delete_volume(self, tenant: str, volume_id: str) -> Volume:
        """Delete a volume that is not attached."""
        return self._act(tenant, lambda actions: actions.delete_volume(volume_id))

    def announce_reclaim(self, tenant: str, machine_id: str, seconds: float | None = None) -> Machine:
        """Announce that a spot machine will be reclaimed. It stops after `seconds`, by default two minutes."""
        return self._act(tenant, lambda actions: actions.announce_reclaim(machine_id, seconds))

    def amend_machine(self, tenant: str, machine_id: str, change: Callable[[Machine], Machine]) -> None:
        """Change a machine from now on without validation: an undocumented status, another price, another name."""
        self._run(lambda now: self._tenants[tenant].machines.existing(machine_id, now).amend(now, change))

    def set_status(self, tenant: str, machine_id: str, status: str) -> None:
        """Set a machine's status at once, documented or not. Planned changes of the machine are cancelled."""

        def set_now(now: datetime) -> None:
            machines = self._tenants[tenant].machines
            machines.plan(machine_id, now, (now, replace(machines.current(machine_id, now), status=status)))

        self._run(set_now)

    def vanish_machine(self, tenant: str, machine_id: str) -> None:
        """Remove a machine at once: it is no longer listed, and its id returns `no_such_machine`."""
        self._run(lambda now: self._tenants[tenant].machines.existing(machine_id, now).plan(now, (now, None)))

    def vanish_volume(self, tenant: str, volume_id: str) -> None:
        """Remove a volume at once, and detach it from its machines."""
        self._run(lambda now: self._tenants[tenant].remove_volume(volume_id, now))

    def _act(self, tenant: str, action: Callable[[TenantActions], T]) -> T:
        return self._run(lambda now: action(self._actions(tenant, now)))

    def _actions(self, tenant: str, at: datetime) -> TenantActions:
        return TenantActions(self._tenants[tenant], self._random, self._times, at)

    def _run(self, function: Callable[[datetime], T]) -> T:
        """Carry out the events that are due, then call the function with the present time."""
        with self._lock:
            now = self._clock.now()
            if self._schedule is not None:
                for at in self._schedule.due(now, PAST_WINDOW):
                    self._trigger_event(self._schedule.random, at)
            self._forget_past(now)
            return function(now)

    def _forget_past(self, now: datetime) -> None:
        if abs(now - self._last_forgotten_at) >= _FORGET_INTERVAL:
            self._last_forgotten_at = now
            for tenant in self._tenants.values():
                tenant.machines.forget(now - PAST_WINDOW)
                tenant.volumes.forget(now - PAST_WINDOW)

    def _trigger_event(self, random: Random, at: datetime) -> None:
        name = random.choice(self.tenants)
        tenant = self._tenants[name]
        event = choose_event(tenant.machines.at(at), tenant.volumes_at(at), random)
        if event is not None:
            self._actions(name, at).apply(event)
