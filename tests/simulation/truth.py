"""What is true at a simulated vendor, and what was true until a minute ago: a timeline of each resource."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random

from domain.enums import (
    ContractType,
    LinkType,
    OfferType,
    PriceSource,
    ResourceKind,
    ResourceStatus,
    ResourceType,
)
from domain.records.model import VendorKey
from domain.records.observation import NOT_REPORTED, Access, Attachment, Observation, Price, Spec, Terms
from tests.simulation.loop import true_instant

# Answers are up to a minute behind: what is older needs no remembering.
_REMEMBERED_SECONDS = 200.0
_MOVING = (
    ResourceStatus.PROVISIONING,
    ResourceStatus.RUNNING,
    ResourceStatus.STOPPING,
    ResourceStatus.STOPPED,
    ResourceStatus.ERROR,
)
MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES


@dataclass(frozen=True, slots=True)
class Profile:
    """How a vendor is made."""

    regions: tuple[str | None, ...]
    probed: frozenset[ResourceKind]
    tells_created: frozenset[ResourceKind]
    lists_deleted_seconds: float
    links_owner: ResourceKind
    tells_since: bool
    sweep_calls: int
    cooldown_seconds: float

    @property
    def scopes(self) -> tuple[tuple[ResourceKind, str | None], ...]:
        """Every scope."""
        return tuple((kind, region) for region in self.regions for kind in ResourceKind)


def random_profile(random: Random) -> Profile:
    """A vendor of some make."""
    both = frozenset({MACHINES, VOLUMES})
    choices: tuple[frozenset[ResourceKind], ...] = (frozenset(), frozenset({MACHINES}), both, both)
    return Profile(
        regions=random.choice(((None,), (None,), ("east", "west"))),
        probed=random.choice(choices),
        tells_created=random.choice(choices),
        lists_deleted_seconds=random.choice((0.0, 0.0, 70.0, 600.0)),
        links_owner=random.choice((MACHINES, MACHINES, VOLUMES)),
        tells_since=random.random() < 0.5,
        sweep_calls=random.choice((1, 1, 2, 5)),
        cooldown_seconds=random.choice((0.0, 10.0, 30.0, 30.0, 120.0)),
    )


@dataclass(eq=False)
class Thing:
    """One resource at the vendor, from its birth to its end. Times are the loop's."""

    key: VendorKey
    region: str | None
    born: float
    visible_from: float
    versions: list[tuple[float, Observation | None]] = field(default_factory=list)
    ended: float | None = None
    told_deleted_until: float = 0.0

    def at(self, when: float) -> Observation | None:
        """What was true of it then, None where it is not to be found."""
        if when < self.visible_from:
            return None
        for since, version in reversed(self.versions):
            if since <= when:
                if version is not None and version.status is ResourceStatus.DELETED and when > self.told_deleted_until:
                    return None
                return version
        return None

    @property
    def latest(self) -> Observation:
        """The newest version; it must be living."""
        version = self.versions[-1][1]
        if version is None:
            raise LookupError(self.key)
        return version

    def become(self, when: float, version: Observation | None) -> None:
        """Change now; forget what nobody can be told any more."""
        self.versions.append((when, version))
        while len(self.versions) > 1 and self.versions[1][0] < when - _REMEMBERED_SECONDS:
            del self.versions[0]


class Tenant:
    """Everything that one key shows."""

    def __init__(self, name: str, profile: Profile, random: Random) -> None:
        self.name = name
        self.profile = profile
        self._random = random
        self._made = 0
        self.things: dict[tuple[ResourceKind, str | None], list[Thing]] = {scope: [] for scope in profile.scopes}
        self._free: list[tuple[VendorKey, str | None, float]] = []

    def living(self, kind: ResourceKind, region: str | None) -> list[Thing]:
        """What lives in a scope now."""
        return [thing for thing in self.things[kind, region] if thing.ended is None]

    def every_living(self) -> Iterator[Thing]:
        """What lives anywhere."""
        return (thing for things in self.things.values() for thing in things if thing.ended is None)

    def shown(self, kind: ResourceKind, region: str | None, when: float) -> list[Observation]:
        """An honest listing as of then."""
        found = (thing.at(when) for thing in self.things[kind, region])
        return [observation for observation in found if observation is not None]

    def find(self, key: VendorKey, region: str | None, when: float) -> Observation | None:
        """An honest answer by id as of then; the newest of that id."""
        for thing in reversed(self.things[key.kind, region]):
            if thing.key == key and (observation := thing.at(when)) is not None:
                return observation
        return None

    def thing(self, key: VendorKey, region: str | None) -> Thing | None:
        """The living thing of that id."""
        return next((one for one in self.things[key.kind, region] if one.key == key and one.ended is None), None)

    def create(self, now: float) -> str:
        """Something new, sometimes under an id that was in use before; it may take a while to show everywhere."""
        kind, region = self._random.choice(self.profile.scopes)
        self._made += 1
        key = VendorKey(kind, f"{self.name}-{kind.value[0].lower()}-{self._made}")
        again = [
            one
            for one in self._free
            if one[0].kind is kind and one[1] == region and one[2] < now - self._random.uniform(0, 90)
        ]
        what = "created"
        if again and kind in self.profile.tells_created and self._random.random() < 0.5:
            self._free.remove(again[0])
            key, what = again[0][0], "id used again"
        late = self._random.uniform(0, 50) if self._random.random() < 0.3 else 0.0
        thing = Thing(key, region, now, now + late)
        thing.become(now, self._observation(thing))
        self.things[kind, region].append(thing)
        return what

    def _observation(self, thing: Thing) -> Observation:
        kind, random = thing.key.kind, self._random
        machine = kind is MACHINES
        rate = random.choice((None, 0.5, 1.25))
        return Observation(
            kind=kind,
            vendor_id=thing.key.vendor_id,
            resource_type=ResourceType.VM if machine else ResourceType.BLOCK_DISK,
            status=random.choice(_MOVING),
            vendor_status="as the vendor says",
            region=thing.region,
            created_at=true_instant(thing.born) if kind in self.profile.tells_created else None,
            name=f"name {self._made}",
            status_message=None,
            access=Access(external_ip=f"203.0.113.{self._made % 250}") if machine else NOT_REPORTED,
            spec=Spec(gpu_count=self._made % 8) if machine else Spec(disk_gb=100.0),
            price=Price(rate, None if rate is None else "USD", PriceSource.VENDOR),
            terms=Terms(OfferType.VM if machine else OfferType.STORAGE, ContractType.ONDEMAND, "sku", rate, "USD"),
            links=() if kind is self.profile.links_owner else NOT_REPORTED,
        )

    def change(self, now: float) -> str:
        """Something that lives changes: its status, its name, its price, or what it is linked to."""
        living = list(self.every_living())
        if not living:
            return self.create(now)
        thing = self._random.choice(living)
        what = self._random.choice(("status", "status", "name", "price", "links", "links"))
        before = thing.latest
        if what == "links":
            owners = [one for one in living if one.key.kind is self.profile.links_owner]
            if not owners:
                return self.create(now)
            thing = self._random.choice(owners)
            thing.become(now, self._relinked(thing, now))
        elif what == "status":
            others = [status for status in _MOVING if status is not before.status]
            thing.become(now, replace(before, status=self._random.choice(others)))
        elif what == "name":
            thing.become(now, replace(before, name=f"name at {now:.1f}"))
        else:
            thing.become(now, replace(before, price=Price(round(now, 1), "USD", PriceSource.VENDOR)))
        return what

    def _relinked(self, owner: Thing, now: float) -> Observation:
        before = owner.latest
        links = () if before.links is NOT_REPORTED else before.links
        ends = [one for one in self.every_living() if one.key.kind is not owner.key.kind and one.region == owner.region]
        if links and self._random.random() < 0.5:
            return replace(before, links=links[1:])
        fresh = [one for one in ends if all(link.vendor_id != one.key.vendor_id for link in links)]
        if not fresh:
            return replace(before, links=links[1:])
        end = self._random.choice(fresh)
        link_type = LinkType.ATTACHED_STORAGE if end.key.kind is VOLUMES else LinkType.ATTACHED_TO
        since = true_instant(now) if self.profile.tells_since else None
        return replace(before, links=(*links, Attachment(link_type, end.key.kind, end.key.vendor_id, since)))

    def terminate(self, now: float) -> str:
        """Something ends. Some vendors list it as deleted for a while; links to it may be told a little longer."""
        living = list(self.every_living())
        if not living:
            return self.create(now)
        thing = self._random.choice(living)
        self.end(thing, now)
        if self._random.random() < 0.7:
            for owner in living:
                links = owner.versions[-1][1].links if owner.ended is None and owner.versions[-1][1] else NOT_REPORTED
                if links is not NOT_REPORTED and any(link.vendor_id == thing.key.vendor_id for link in links):
                    kept = tuple(link for link in links if link.vendor_id != thing.key.vendor_id)
                    owner.become(now, replace(owner.latest, links=kept))
        return "terminated"

    def end(self, thing: Thing, now: float) -> None:
        """It is no more."""
        listed = self.profile.lists_deleted_seconds
        if listed:
            told = replace(thing.latest, status=ResourceStatus.DELETED)
            thing.become(now, replace(told, links=()) if told.links is not NOT_REPORTED else told)
            thing.told_deleted_until = now + listed
        else:
            thing.become(now, None)
        thing.ended = now
        self._free.append((thing.key, thing.region, now + listed))
        scope = self.things[thing.key.kind, thing.region]
        scope[:] = [one for one in scope if one.ended is None or one.ended > now - listed - 2 * _REMEMBERED_SECONDS]
