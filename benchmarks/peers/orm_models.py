"""The tables mapped by SQLAlchemy's ORM, for the peer that uses strawberry and FastAPI in the ordinary way."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class OrmBase(DeclarativeBase):
    """The base of all mapped classes."""


class OfferRow(OrmBase):
    """A row of `offers`."""

    __tablename__ = "offers"
    offer_id: Mapped[str] = mapped_column(primary_key=True)
    offer_type: Mapped[str]
    contract_type: Mapped[str]
    vendor_sku: Mapped[str | None]
    price_text: Mapped[str | None]
    currency: Mapped[str | None]

    @property
    def price_hourly(self) -> float | None:
        """The price as a number."""
        return None if self.price_text is None else float(self.price_text)


class ProvenanceRow(OrmBase):
    """A row of `provenance`, with its offer."""

    __tablename__ = "provenance"
    provenance_id: Mapped[int] = mapped_column(primary_key=True)
    resource_id: Mapped[str] = mapped_column(ForeignKey("resources.resource_id"))
    offer_id: Mapped[str] = mapped_column(ForeignKey("offers.offer_id"))
    role: Mapped[str]
    created_at: Mapped[str]
    offer: Mapped[OfferRow] = relationship()


class LinkRow(OrmBase):
    """A row of `links`, with the resource at its other end."""

    __tablename__ = "links"
    link_id: Mapped[int] = mapped_column(primary_key=True)
    from_id: Mapped[str] = mapped_column(ForeignKey("resources.resource_id"))
    to_id: Mapped[str] = mapped_column(ForeignKey("resources.resource_id"))
    link_type: Mapped[str]
    linked_since: Mapped[str]
    linked_until: Mapped[str | None]
    resource: Mapped[ResourceRow] = relationship(foreign_keys=[to_id])

    @property
    def resource_id(self) -> str:
        """The id of the resource at the other end."""
        return self.to_id

    @property
    def name(self) -> str | None:
        """The name of the resource at the other end."""
        return self.resource.name

    @property
    def status(self) -> str:
        """The status of the resource at the other end."""
        return self.resource.status


class ResourceRow(OrmBase):
    """A row of `resources`, with its links and its offers."""

    __tablename__ = "resources"
    resource_id: Mapped[str] = mapped_column(primary_key=True)
    resource_type: Mapped[str]
    vendor: Mapped[str]
    vendor_region: Mapped[str]
    created_at: Mapped[str]
    name: Mapped[str | None]
    status: Mapped[str]
    status_message: Mapped[str | None]
    has_access: Mapped[bool]
    external_ip: Mapped[str | None]
    internal_ip: Mapped[str | None]
    ssh_command: Mapped[str | None]
    ssh_port: Mapped[int | None]
    gpu_type: Mapped[str | None]
    gpu_family: Mapped[str | None]
    gpu_count: Mapped[int | None]
    vcpu_count: Mapped[str | None]
    memory_gb: Mapped[str | None]
    disk_gb: Mapped[str | None]
    vendor_sku: Mapped[str | None]
    image: Mapped[str | None]
    price: Mapped[float | None]
    currency: Mapped[str | None]
    valid_from: Mapped[str | None]
    valid_to: Mapped[str | None]
    seen_at: Mapped[str]
    linked_resources: Mapped[list[LinkRow]] = relationship(
        foreign_keys=[LinkRow.from_id],
        primaryjoin=lambda: (ResourceRow.resource_id == LinkRow.from_id) & LinkRow.linked_until.is_(None),
        order_by=[LinkRow.linked_since, LinkRow.link_id],
        viewonly=True,
    )
    offer_history: Mapped[list[ProvenanceRow]] = relationship(
        order_by=[ProvenanceRow.created_at, ProvenanceRow.provenance_id]
    )

    @property
    def pricing_total_hourly(self) -> float | None:
        """The price, under the name of the GraphQL field."""
        return self.price
