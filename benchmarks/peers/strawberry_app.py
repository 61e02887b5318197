"""Strawberry and FastAPI used in the ordinary way: their routers, SQLAlchemy's async ORM with eager loading, one uvicorn process.

`python -m benchmarks.peers.strawberry_app`, with libpq's environment variables set. Nobody is authenticated.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Final, cast

import strawberry
from fastapi import FastAPI, HTTPException
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import selectinload
from strawberry.fastapi import GraphQLRouter

from benchmarks.peers import orm_models as models
from benchmarks.peers.uvicorn_server import serve_app
from supplygraph.http.rest_models import ResourceSummary

_POOL_SIZE: Final = int(os.environ.get("POOL", "16"))
# The driver reads libpq's environment variables.
_engine: Final = create_async_engine("postgresql+asyncpg://", pool_size=_POOL_SIZE, max_overflow=0)
_sessions: Final = async_sessionmaker(_engine, expire_on_commit=False)
_WITH_ALL: Final = (
    selectinload(models.ResourceRow.linked_resources).selectinload(models.LinkRow.resource),
    selectinload(models.ResourceRow.offer_history).selectinload(models.ProvenanceRow.offer),
)


@strawberry.type
class PlainLinkedResource:
    """The resource at the other end of a link."""

    resource_id: strawberry.ID
    name: str | None
    status: str
    link_type: str
    linked_since: str


@strawberry.type
class PlainOffer:
    """An offer: the terms of a vendor."""

    offer_id: strawberry.ID
    contract_type: str
    vendor_sku: str | None
    price_hourly: float | None
    currency: str | None


@strawberry.type
class PlainOfferProvenance:
    """An entry of the offer history."""

    role: str
    created_at: str
    offer: PlainOffer


@strawberry.type
class PlainResource:
    """A machine or a volume."""

    resource_id: strawberry.ID
    name: str | None
    status: str
    vendor: str
    vendor_region: str
    resource_type: str
    created_at: str
    pricing_total_hourly: float | None
    currency: str | None
    linked_resources: list[PlainLinkedResource]
    offer_history: list[PlainOfferProvenance]


@strawberry.type
class PlainPageInfo:
    """The position of a page."""

    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class PlainResourceConnection:
    """A page of resources."""

    nodes: list[PlainResource]
    page_info: PlainPageInfo


async def _one(session: AsyncSession, resource_id: str) -> models.ResourceRow | None:
    statement = select(models.ResourceRow).where(models.ResourceRow.resource_id == resource_id).options(*_WITH_ALL)
    return (await session.scalars(statement)).one_or_none()


async def _page(session: AsyncSession, first: int, after: str | None) -> Sequence[models.ResourceRow]:
    key = tuple_(models.ResourceRow.created_at, models.ResourceRow.resource_id)
    statement = select(models.ResourceRow).options(*_WITH_ALL)
    statement = statement.order_by(models.ResourceRow.created_at.desc(), models.ResourceRow.resource_id.desc()).limit(
        first + 1
    )
    if after is not None:
        statement = statement.where(key < tuple_(*after.split("|")))
    return (await session.scalars(statement)).all()


@strawberry.type
class PlainQuery:
    """The root type. Mapped rows are returned as they are, since their attributes have the names of the fields."""

    @strawberry.field
    async def resource(self, resource_id: strawberry.ID) -> PlainResource | None:
        """Return one resource."""
        async with _sessions() as session:
            return cast("PlainResource | None", await _one(session, resource_id))

    @strawberry.field
    async def resources(self, first: int = 50, after: str | None = None) -> PlainResourceConnection:
        """Return a page, newest first."""
        async with _sessions() as session:
            rows = await _page(session, first, after)
        nodes = cast("list[PlainResource]", list(rows[:first]))
        cursor = f"{nodes[-1].created_at}|{nodes[-1].resource_id}" if nodes else None
        return PlainResourceConnection(
            nodes=nodes, page_info=PlainPageInfo(has_next_page=len(rows) > first, end_cursor=cursor)
        )


app: Final = FastAPI()
app.include_router(GraphQLRouter[Any, Any](strawberry.Schema(query=PlainQuery), graphql_ide=None), prefix="/graphql")


@app.get("/resources/{resource_id}", response_model=ResourceSummary)
async def get_resource(resource_id: str) -> ResourceSummary:
    """Return the whole of one resource by the models of the REST contract."""
    async with _sessions() as session:
        row = await _one(session, resource_id)
    if row is None:
        raise HTTPException(404)
    return ResourceSummary.model_validate(_render_contract(row))


def _render_contract(row: models.ResourceRow) -> dict[str, Any]:
    access: dict[str, Any] = {"external_ip": row.external_ip, "internal_ip": row.internal_ip}
    access |= {"ssh_command": row.ssh_command, "ssh_port": row.ssh_port}
    return {
        "resource_id": row.resource_id,
        "resource_type": row.resource_type.lower(),
        "name": row.name,
        "vendor": row.vendor,
        "vendor_region": row.vendor_region,
        "status": row.status.lower(),
        "status_message": row.status_message,
        "access": access if row.has_access else None,
        "spec": _render_spec(row),
        "linked_resources": [_render_link(link) for link in row.linked_resources],
        "offer_history": [_render_offer(entry) for entry in row.offer_history],
        "pricing_total_hourly": row.price,
        "valid_from": row.valid_from,
        "valid_to": row.valid_to,
        "last_synced_at": row.seen_at,
        "created_at": row.created_at,
    }


def _render_spec(row: models.ResourceRow) -> dict[str, Any]:
    spec: dict[str, Any] = {"gpu_type": row.gpu_type, "gpu_family": row.gpu_family, "gpu_count": row.gpu_count}
    texts = {"vcpu_count": row.vcpu_count, "memory_gb": row.memory_gb, "disk_gb": row.disk_gb}
    spec |= {name: None if text is None else float(text) for name, text in texts.items()}
    spec |= {"vendor_sku": row.vendor_sku, "image": row.image}
    return {name: value for name, value in spec.items() if value is not None}


def _render_link(link: models.LinkRow) -> dict[str, Any]:
    return {
        "resource_id": link.to_id,
        "resource_type": link.resource.resource_type.lower(),
        "name": link.name,
        "status": link.status.lower(),
        "link_type": link.link_type.lower(),
        "linked_since": link.linked_since,
        "linked_until": link.linked_until,
    }


def _render_offer(entry: models.ProvenanceRow) -> dict[str, Any]:
    return {
        "offer_id": entry.offer_id,
        "offer_type": entry.offer.offer_type.lower(),
        "role": entry.role.lower(),
        "created_at": entry.created_at,
    }


if __name__ == "__main__":
    serve_app(app)
