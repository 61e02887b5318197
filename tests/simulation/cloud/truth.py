"""The true state of a simulated vendor, now and up to a minute ago: a timeline of each resource."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Literal

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

# Responses are at most a minute behind, so older versions are not needed.
_TIMELINE_SECONDS = 200.0
_MOVING = (
    ResourceStatus.PROVISIONING,
    ResourceStatus.RUNNING,
    ResourceStatus.STOPPING,
    ResourceStatus.STOPPED,
    ResourceStatus.ERROR,
)
_ABSENT_ANSWERS: tuple[Literal["gone", "empty", "generic 404", "down"], ...] = (
    "gone",
    "gone",
    "empty",
    "generic 404",
    "down",
)
MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES


@dataclass(frozen=True, slots=True)
class VendorProfile:
    """The properties of a vendor.

    `probed_kinds` can be probed, `dated_kinds` report a creation time. Deleted resources stay listed for
    `lists_deleted_seconds`. `dates_links` is whether links report a time of attachment. `absent_answer` is what a probe of a
    resource that does not exist answers: its own words, nothing, other words, or an error.
    """

    regions: tuple[str | None, ...]
    probed_kinds: frozenset[ResourceKind]
    dated_kinds: frozenset[ResourceKind]
    lists_deleted_seconds: float
    links_owner: ResourceKind
    dates_links: bool
    sweep_calls: int
    cooldown_seconds: float
    absent_answer: Literal["gone", "empty", "generic 404", "down"]

    @property
    def scopes(self) -> tuple[tuple[ResourceKind, str | None], ...]:
        """All scopes of the vendor."""
        return tuple((kind, region) for region in self.regions for kind in ResourceKind)


def random_profile(random: Random) -> VendorProfile:
    """Return a random vendor."""
    both = frozenset({MACHINES, VOLUMES})
    choices: tuple[frozenset[ResourceKind], ...] = (frozenset(), frozenset({MACHINES}), both, both)
    return VendorProfile(
        regions=random.choice(((None,), (None,), ("east", "west"))),
        probed_kinds=random.choice(choices),
        dated_kinds=random.choice(choices),
        lists_deleted_seconds=random.choice((0.0, 0.0, 70.0, 600.0)),
        links_owner=random.choice((MACHINES, MACHINES, VOLUMES)),
        dates_links=random.random() < 0.5,
        sweep_calls=random.choice((1, 1, 2, 5)),
        cooldown_seconds=random.choice((0.0, 10.0, 30.0, 30.0, 120.0)),
        absent_answer=random.choice(_ABSENT_ANSWERS),
    )


@dataclass(eq=False)
class VendorResource:
    """One resource at the vendor, from creation to deletion. Times are the loop's."""

    key: VendorKey
    region: str | None
    born: float
    visible_from: float
    versions: list[tuple[float, Observation | None]] = field(default_factory=list)
    ended: float | None = None
    deleted_until: float = 0.0

    def at(self, when: float) -> Observation | None:
        """Return its state at this time, None if the vendor did not show it."""
        if when < self.visible_from:
            return None
        for since, version in reversed(self.versions):
            if since <= when:
                if version is not None and version.status is ResourceStatus.DELETED and when > self.deleted_until:
                    return None
                return version
        return None

    @property
    def latest(self) -> Observation:
        """The newest version. Raises LookupError if the resource is deleted."""
        version = self.versions[-1][1]
        if version is None:
            raise LookupError(self.key)
        return version

    def change_to(self, when: float, version: Observation | None) -> None:
        """Change now, and drop versions that no response can show any more."""
        self.versions.append((when, version))
        while len(self.versions) > 1 and self.versions[1][0] < when - _TIMELINE_SECONDS:
            del self.versions[0]


class SimulatedTenant:
    """All resources that one key shows."""

    def __init__(self, name: str, profile: VendorProfile, random: Random) -> None:
        self.name = name
        self.profile = profile
        self._random = random
        self._created_count = 0
        self.resources: dict[tuple[ResourceKind, str | None], list[VendorResource]] = {
            scope: [] for scope in profile.scopes
        }
        self._free: list[tuple[VendorKey, str | None, float]] = []

    def living(self, kind: ResourceKind, region: str | None) -> list[VendorResource]:
        """Return the resources that live in a scope now."""
        return [resource for resource in self.resources[kind, region] if resource.ended is None]

    def every_living(self) -> Iterator[VendorResource]:
        """Return the living resources of all scopes."""
        return (resource for resources in self.resources.values() for resource in resources if resource.ended is None)

    def shown(self, kind: ResourceKind, region: str | None, when: float) -> list[Observation]:
        """Return an honest listing as of this time."""
        states = (resource.at(when) for resource in self.resources[kind, region])
        return [observation for observation in states if observation is not None]

    def find(self, key: VendorKey, region: str | None, when: float) -> Observation | None:
        """Return an honest answer to a probe as of this time, about the newest resource of the id."""
        for resource in reversed(self.resources[key.kind, region]):
            if resource.key == key and (observation := resource.at(when)) is not None:
                return observation
        return None

    def resource(self, key: VendorKey, region: str | None) -> VendorResource | None:
        """Return the living resource of the id."""
        return next((one for one in self.resources[key.kind, region] if one.key == key and one.ended is None), None)

    def create(self, now: float) -> str:
        """Create a resource, sometimes with a used id. It may be shown only after a while. Return what happened."""
        kind, region = self._random.choice(self.profile.scopes)
        self._created_count += 1
        key = VendorKey(kind, f"{self.name}-{kind.value[0].lower()}-{self._created_count}")
        used = [
            one
            for one in self._free
            if one[0].kind is kind and one[1] == region and one[2] < now - self._random.uniform(0, 90)
        ]
        event = "created"
        if used and kind in self.profile.dated_kinds and self._random.random() < 0.5:
            self._free.remove(used[0])
            key, event = used[0][0], "id used again"
        delay = self._random.uniform(0, 50) if self._random.random() < 0.3 else 0.0
        resource = VendorResource(key, region, now, now + delay)
        resource.change_to(now, self._observation(resource))
        self.resources[kind, region].append(resource)
        return event

    def _observation(self, resource: VendorResource) -> Observation:
        kind, random = resource.key.kind, self._random
        machine = kind is MACHINES
        rate = random.choice((None, 0.5, 1.25))
        return Observation(
            kind=kind,
            vendor_id=resource.key.vendor_id,
            resource_type=ResourceType.VM if machine else ResourceType.BLOCK_DISK,
            status=random.choice(_MOVING),
            vendor_status="as reported",
            region=resource.region,
            created_at=true_instant(resource.born) if kind in self.profile.dated_kinds else None,
            name=f"name {self._created_count}",
            status_message=None,
            access=Access(external_ip=f"203.0.113.{self._created_count % 250}") if machine else NOT_REPORTED,
            spec=Spec(gpu_count=self._created_count % 8) if machine else Spec(disk_gb=100.0),
            price=Price(rate, None if rate is None else "USD", PriceSource.VENDOR),
            terms=Terms(OfferType.VM if machine else OfferType.STORAGE, ContractType.ONDEMAND, "sku", rate, "USD"),
            links=() if kind is self.profile.links_owner else NOT_REPORTED,
        )

    def change(self, now: float) -> str:
        """Change the status, name, price or links of a living resource. Return what happened."""
        living = list(self.every_living())
        if not living:
            return self.create(now)
        resource = self._random.choice(living)
        field = self._random.choice(("status", "status", "name", "price", "links", "links"))
        before = resource.latest
        if field == "links":
            owners = [one for one in living if one.key.kind is self.profile.links_owner]
            if not owners:
                return self.create(now)
            resource = self._random.choice(owners)
            resource.change_to(now, self._relink(resource, now))
        elif field == "status":
            others = [status for status in _MOVING if status is not before.status]
            resource.change_to(now, replace(before, status=self._random.choice(others)))
        elif field == "name":
            resource.change_to(now, replace(before, name=f"name at {now:.1f}"))
        else:
            resource.change_to(now, replace(before, price=Price(round(now, 1), "USD", PriceSource.VENDOR)))
        return field

    def _relink(self, owner: VendorResource, now: float) -> Observation:
        before = owner.latest
        links = () if before.links is NOT_REPORTED else before.links
        ends = [one for one in self.every_living() if one.key.kind is not owner.key.kind and one.region == owner.region]
        if links and self._random.random() < 0.5:
            return replace(before, links=links[1:])
        candidates = [one for one in ends if all(link.vendor_id != one.key.vendor_id for link in links)]
        if not candidates:
            return replace(before, links=links[1:])
        end = self._random.choice(candidates)
        link_type = LinkType.ATTACHED_STORAGE if end.key.kind is VOLUMES else LinkType.ATTACHED_TO
        since = true_instant(now) if self.profile.dates_links else None
        return replace(before, links=(*links, Attachment(link_type, end.key.kind, end.key.vendor_id, since)))

    def terminate(self, now: float) -> str:
        """Delete a resource. Links to it may be reported for longer. Return what happened."""
        living = list(self.every_living())
        if not living:
            return self.create(now)
        resource = self._random.choice(living)
        self.end(resource, now)
        if self._random.random() < 0.7:
            for owner in living:
                links = owner.versions[-1][1].links if owner.ended is None and owner.versions[-1][1] else NOT_REPORTED
                if links is not NOT_REPORTED and any(link.vendor_id == resource.key.vendor_id for link in links):
                    others = tuple(link for link in links if link.vendor_id != resource.key.vendor_id)
                    owner.change_to(now, replace(owner.latest, links=others))
        return "terminated"

    def end(self, resource: VendorResource, now: float) -> None:
        """Delete the resource. Some vendors list it as deleted for a while."""
        listed = self.profile.lists_deleted_seconds
        if listed:
            deleted = replace(resource.latest, status=ResourceStatus.DELETED)
            resource.change_to(now, replace(deleted, links=()) if deleted.links is not NOT_REPORTED else deleted)
            resource.deleted_until = now + listed
        else:
            resource.change_to(now, None)
        resource.ended = now
        self._free.append((resource.key, resource.region, now + listed))
        scope = self.resources[resource.key.kind, resource.region]
        scope[:] = [one for one in scope if one.ended is None or one.ended > now - listed - 2 * _TIMELINE_SECONDS]
