"""The state of the simulated cloud: a pure function of what was done to it and of the clock that it is given.

Nothing runs in the background. Every question first lets happen what is due by then, so a test moves the clock and sees
machines start, stop and go. What was is kept for an hour, so that an answer can show a past instant.
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
from sandbox import events
from sandbox.actions import TenantActions, TransitionTimes
from sandbox.catalogue import offers
from sandbox.population import populate
from sandbox.resources import Machine, RentalOffer, Volume, no_such_machine, no_such_volume
from sandbox.tenants import Tenant, vanish_volume

PAST_WINDOW: Final = timedelta(hours=1)
"""How far back an answer can show the past."""
_FORGET_EVERY: Final = timedelta(minutes=1)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TenantKey:
    """An API key that is never shown by accident."""

    text: str = field(repr=False)


class World:
    """All tenants of the simulated cloud. Safe to use from several threads.

    `api_keys` gives each tenant's name its API key. With `lively`, things happen by themselves, the same for the same seed
    and the same start. Every method may raise Refusal, in the cloud's own words.
    """

    def __init__(
        self,
        clock: Clock,
        seed: int,
        api_keys: Mapping[str, str],
        *,
        lively: bool = False,
        pace: TransitionTimes | None = None,
    ) -> None:
        now = clock.now()
        self._clock = clock
        self._lock = RLock()
        self._pace = pace or TransitionTimes()
        self._random = Random(f"{seed}/ids")  # noqa: S311 - an invented cloud, no secret
        self._keys = {name: TenantKey(text) for name, text in api_keys.items()}
        self._tenants = {name: Tenant() for name in api_keys}
        self._forgot_at = now
        self._schedule = events.EventSchedule(seed, now) if lively else None

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
        pace: TransitionTimes | None = None,
    ) -> Self:
        """A cloud with a dozen machines and some volumes, shared out among the tenants in turn.

        Ids and times of creation depend on the seed alone, so a cloud that is started again shows the same machines.
        """
        world = cls(clock, seed, api_keys, lively=lively, pace=pace)
        now = clock.now()
        for place, name in enumerate(api_keys):
            share = populate(seed, place, len(api_keys), machines, volumes, now=now)
            for machine in share.machines:
                world.add_machine(name, machine)
            for volume in share.volumes:
                world.add_volume(name, volume)
        return world

    @property
    def tenants(self) -> tuple[str, ...]:
        """The names of the tenants."""
        return tuple(self._tenants)

    def now(self) -> datetime:
        """The cloud's own time."""
        return self._clock.now()

    def tenant_of(self, api_key: str) -> str | None:
        """Whose key it is; None for a key of nobody."""
        found = None
        for name, key in self._keys.items():
            if hmac.compare_digest(key.text.encode(), api_key.encode(errors="surrogatepass")):
                found = name
        return found

    def machines(self, tenant: str, at: datetime | None = None) -> tuple[Machine, ...]:
        """The machines, by id; as they were at an instant of the last hour, if one is given."""
        return self._ask(lambda now: self._tenants[tenant].machines_at(at or now))

    def volumes(self, tenant: str, at: datetime | None = None) -> tuple[Volume, ...]:
        """The volumes, by id; as they were at an instant of the last hour, if one is given."""
        return self._ask(lambda now: self._tenants[tenant].volumes_at(at or now))

    def machine(self, tenant: str, machine_id: str, at: datetime | None = None) -> Machine:
        """One machine. Raises Refusal with `no_such_machine`."""
        found = next((m for m in self.machines(tenant, at) if m.machine_id == machine_id), None)
        if found is None:
            raise no_such_machine(machine_id)
        return found

    def volume(self, tenant: str, volume_id: str, at: datetime | None = None) -> Volume:
        """One volume. Raises Refusal with `no_such_volume`."""
        found = next((v for v in self.volumes(tenant, at) if v.volume_id == volume_id), None)
        if found is None:
            raise no_such_volume(volume_id)
        return found

    def offers(self) -> tuple[RentalOffer, ...]:
        """Everything that can be rented."""
        return offers()

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
        """Rent a machine: it provisions, then runs."""
        return self._order(tenant, lambda orders: orders.create_machine(name, sku, region, contract, image))

    def start(self, tenant: str, machine_id: str) -> Machine:
        """Start a stopped machine: it provisions, then runs."""
        return self._order(tenant, lambda orders: orders.start(machine_id))

    def stop(self, tenant: str, machine_id: str) -> Machine:
        """Stop a running machine."""
        return self._order(tenant, lambda orders: orders.stop(machine_id))

    def terminate(self, tenant: str, machine_id: str) -> Machine:
        """Delete a machine: deleting, then listed as deleted for a while, then no longer known."""
        return self._order(tenant, lambda orders: orders.terminate(machine_id))

    def attach(self, tenant: str, machine_id: str, volume_id: str) -> Machine:
        """Attach a volume of the machine's region. A block volume is on one machine at a time."""
        return self._order(tenant, lambda orders: orders.attach(machine_id, volume_id))

    def detach(self, tenant: str, machine_id: str, volume_id: str) -> Machine:
        """Detach a volume."""
        return self._order(tenant, lambda orders: orders.detach(machine_id, volume_id))

    def create_volume(self, tenant: str, name: str, form: str, size_gb: int, region: str) -> Volume:
        """Rent a volume of `form` block or shared."""
        return self._order(tenant, lambda orders: orders.create_volume(name, form, size_gb, region))

    def delete_volume(self, tenant: str, volume_id: str) -> Volume:
        """Delete a volume that is attached to nothing."""
        return self._order(tenant, lambda orders: orders.delete_volume(volume_id))

    def announce_reclaim(self, tenant: str, machine_id: str, seconds: float | None = None) -> Machine:
        """Announce that a spot machine is taken back: it stops by itself at that time, two minutes ahead unless said."""
        return self._order(tenant, lambda orders: orders.announce_reclaim(machine_id, seconds))

    def add_machine(self, tenant: str, machine: Machine) -> None:
        """Put a machine there as if it had always been, in whatever status."""
        self._ask(lambda _: self._tenants[tenant].add_machine(machine))

    def add_volume(self, tenant: str, volume: Volume) -> None:
        """Put a volume there as if it had always been, in whatever status."""
        self._ask(lambda _: self._tenants[tenant].add_volume(volume))

    def amend_machine(self, tenant: str, machine_id: str, change: Callable[[Machine], Machine]) -> None:
        """Change a machine from now on, past every rule: an undocumented status, another price, another name."""
        self._ask(lambda now: self._tenants[tenant].machine_line(machine_id, now).amend(now, change))

    def set_status(self, tenant: str, machine_id: str, status: str) -> None:
        """Put a machine in a status at once, an undocumented one too; whatever it was about to become is called off."""

        def put(now: datetime) -> None:
            line = self._tenants[tenant].machine_line(machine_id, now)
            machine = self._tenants[tenant].living_machine(machine_id, now)
            line.plan(now, (now, replace(machine, status=status)))

        self._ask(put)

    def amend_volume(self, tenant: str, volume_id: str, change: Callable[[Volume], Volume]) -> None:
        """Change a volume from now on, past every rule."""
        self._ask(lambda now: self._tenants[tenant].volume_line(volume_id, now).amend(now, change))

    def vanish_machine(self, tenant: str, machine_id: str) -> None:
        """A machine is gone at once, without a word: no longer listed, "no such thing" by its id."""
        self._ask(lambda now: self._tenants[tenant].machine_line(machine_id, now).plan(now, (now, None)))

    def vanish_volume(self, tenant: str, volume_id: str) -> None:
        """A volume is gone at once, without a word, from the machines that it was on too."""
        self._ask(lambda now: vanish_volume(self._tenants[tenant], volume_id, now))

    def _order(self, tenant: str, give: Callable[[TenantActions], T]) -> T:
        return self._ask(lambda now: give(self._orders(tenant, now)))

    def _orders(self, tenant: str, at: datetime) -> TenantActions:
        return TenantActions(self._tenants[tenant], self._random, self._pace, at)

    def _ask(self, question: Callable[[datetime], T]) -> T:
        with self._lock:
            now = self._clock.now()
            if self._schedule is not None:
                for at in self._schedule.due(now, PAST_WINDOW):
                    self._move(self._schedule.random, at)
            self._forget(now)
            return question(now)

    def _forget(self, now: datetime) -> None:
        if abs(now - self._forgot_at) >= _FORGET_EVERY:
            self._forgot_at = now
            for tenant in self._tenants.values():
                tenant.forget(now - PAST_WINDOW)

    def _move(self, random: Random, at: datetime) -> None:
        name = random.choice(self.tenants)
        tenant = self._tenants[name]
        move = events.choose_event(tenant.machines_at(at), tenant.volumes_at(at), random)
        if move is not None:
            self._orders(name, at).obey(move)
