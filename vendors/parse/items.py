"""Build the parts of an observation that are the same for every cloud."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final, TypeAlias

from domain.enums import ContractType, LinkType, OfferType, PriceSource, ResourceKind, ResourceStatus, ResourceType
from domain.records.observation import (
    NO_PRICE,
    NOT_REPORTED,
    Access,
    Attachment,
    NotReported,
    Observation,
    Price,
    Spec,
    Terms,
)
from vendors.parse.fields import SSH_PORT, FieldReader, ssh_command

Attached: TypeAlias = Iterable[tuple[str | None, datetime | None]] | None
"""The vendor id of each attached resource, `None` if it could not be read, and the time of its attachment."""
_LINK_TYPES: Final[Mapping[ResourceKind, LinkType]] = {
    ResourceKind.MACHINES: LinkType.ATTACHED_TO,
    ResourceKind.VOLUMES: LinkType.ATTACHED_STORAGE,
}


def machine_of(
    item: FieldReader,
    spec: Spec,
    *,
    status: ResourceStatus,
    vendor_status: str | None,
    region: str | None,
    access: Access | None,
    id_field: str = "id",
    name: str | None,
    resource_type: ResourceType = ResourceType.VM,
    created_at: datetime | None = None,
    status_message: str | None = None,
    price: Price = NO_PRICE,
    contract: ContractType = ContractType.ONDEMAND,
    rate: float | None = None,
    valid_from: datetime | NotReported | None = NOT_REPORTED,
    valid_to: datetime | NotReported | None = NOT_REPORTED,
    links: tuple[Attachment, ...] | NotReported = NOT_REPORTED,
) -> Observation:
    """Return the observation of a machine. `rate` is its price per hour while it runs, in US dollars."""
    return Observation(
        kind=ResourceKind.MACHINES,
        vendor_id=item.identifier(id_field),
        resource_type=resource_type,
        status=status,
        vendor_status=vendor_status,
        region=region,
        created_at=created_at,
        name=name,
        status_message=status_message,
        access=_usable(access, status),
        spec=spec,
        price=price,
        terms=Terms(OfferType(resource_type), contract, spec.vendor_sku, rate, None if rate is None else "USD"),
        valid_from=valid_from,
        valid_to=valid_to,
        links=links,
    )


def _usable(access: Access | None, status: ResourceStatus) -> Access | None:
    """Leave out SSH unless the machine runs: no other one accepts a connection, whatever its vendor still reports."""
    if access is None or status is ResourceStatus.RUNNING:
        return access
    return access_to(access.external_ip, access.internal_ip)


def volume_of(
    item: FieldReader,
    spec: Spec,
    *,
    region: str | None,
    id_field: str = "id",
    name: str | None,
    status: ResourceStatus = ResourceStatus.RUNNING,
    vendor_status: str | None = None,
    resource_type: ResourceType = ResourceType.BLOCK_DISK,
    created_at: datetime | None = None,
    links: tuple[Attachment, ...] | NotReported = NOT_REPORTED,
) -> Observation:
    """Return the observation of a volume without a price. A volume without a status is RUNNING: it can be used."""
    return Observation(
        kind=ResourceKind.VOLUMES,
        vendor_id=item.identifier(id_field),
        resource_type=resource_type,
        status=status,
        vendor_status=vendor_status,
        region=region,
        created_at=created_at,
        name=name,
        status_message=None,
        access=None,
        spec=spec,
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, spec.vendor_sku, None, None),
        links=links,
    )


def us_dollars(hourly: float | None) -> Price:
    """Return a price that the listing reports, in US dollars per hour; NO_PRICE if it is unknown."""
    return NO_PRICE if hourly is None else Price(hourly, "USD", PriceSource.VENDOR)


def access_to(external_ip: str | None, internal_ip: str | None, user: str | None = None) -> Access | None:
    """Return how to reach a machine by its addresses; with a user, also by SSH at its default port."""
    if external_ip is None or user is None:
        return Access(external_ip, internal_ip) if external_ip or internal_ip else None
    return Access(external_ip, internal_ip, ssh_command(user, external_ip, SSH_PORT), SSH_PORT)


def read_links(
    item: FieldReader, kind: ResourceKind, read: Callable[[FieldReader], Attached]
) -> tuple[Attachment, ...] | NotReported:
    """Return a link to each attached resource of the kind; NOT_REPORTED if `read` returns `None`.

    A list that could not be read completely must not close any link, so the result is then NOT_REPORTED too.
    """
    dropped_before = item.dropped
    links: dict[str, Attachment] = {}
    attached = read(item)
    for vendor_id, since in attached or ():
        if vendor_id is None:
            return NOT_REPORTED
        links[vendor_id] = Attachment(_LINK_TYPES[kind], kind, vendor_id, since)
    return NOT_REPORTED if attached is None or item.dropped != dropped_before else tuple(links.values())
