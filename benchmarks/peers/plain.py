"""Strawberry and FastAPI used plainly: their routers, SQLAlchemy's async ORM with eager loading, one process of uvicorn.

`python -m benchmarks.peers.plain`, with libpq's variables set. Nobody is authenticated.
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

from benchmarks.peers import models
from benchmarks.peers.running import serve
from supplygraph.http.rest_models import ResourceSummary

_POOL: Final = int(os.environ.get("POOL", "16"))
# The driver reads libpq's variables.
_engine: Final = create_async_engine("postgresql+asyncpg://", pool_size=_POOL, max_overflow=0)
_sessions: Final = async_sessionmaker(_engine, expire_on_commit=False)
_WITH_ALL: Final = (
    selectinload(models.Resource.linked_resources).selectinload(models.Link.resource),
    selectinload(models.Resource.offer_history).selectinload(models.Provenance.offer),
)


@strawberry.type
class LinkedResource:
    """What a resource is linked to."""

    resource_id: strawberry.ID
    name: str | None
    status: str
    link_type: str
    linked_since: str


@strawberry.type
class Offer:
    """A set of terms."""

    offer_id: strawberry.ID
    contract_type: str
    vendor_sku: str | None
    price_hourly: float | None
    currency: str | None


@strawberry.type
class OfferProvenance:
    """Where a resource came from."""

    role: str
    created_at: str
    offer: Offer


@strawberry.type
class Resource:
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
    linked_resources: list[LinkedResource]
    offer_history: list[OfferProvenance]


@strawberry.type
class PageInfo:
    """Where a page ends."""

    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class ResourceConnection:
    """A page."""

    nodes: list[Resource]
    page_info: PageInfo


async def _one(session: AsyncSession, resource_id: str) -> models.Resource | None:
    statement = select(models.Resource).where(models.Resource.resource_id == resource_id).options(*_WITH_ALL)
    return (await session.scalars(statement)).one_or_none()


async def _page(session: AsyncSession, first: int, after: str | None) -> Sequence[models.Resource]:
    key = tuple_(models.Resource.created_at, models.Resource.resource_id)
    statement = select(models.Resource).options(*_WITH_ALL)
    statement = statement.order_by(models.Resource.created_at.desc(), models.Resource.resource_id.desc()).limit(
        first + 1
    )
    if after is not None:
        statement = statement.where(key < tuple_(*after.split("|")))
    return (await session.scalars(statement)).all()


@strawberry.type
class Query:
    """The root. Mapped rows are returned as they are: their attributes have the fields' names."""

    @strawberry.field
    async def resource(self, resource_id: strawberry.ID) -> Resource | None:
        """One resource."""
        async with _sessions() as session:
            return cast("Resource | None", await _one(session, resource_id))

    @strawberry.field
    async def resources(self, first: int = 50, after: str | None = None) -> ResourceConnection:
        """A page, newest first."""
        async with _sessions() as session:
            found = await _page(session, first, after)
        nodes = cast("list[Resource]", list(found[:first]))
        cursor = f"{nodes[-1].created_at}|{nodes[-1].resource_id}" if nodes else None
        return ResourceConnection(nodes=nodes, page_info=PageInfo(has_next_page=len(found) > first, end_cursor=cursor))


app: Final = FastAPI()
app.include_router(GraphQLRouter[Any, Any](strawberry.Schema(query=Query), graphql_ide=None), prefix="/graphql")


@app.get("/resources/{resource_id}", response_model=ResourceSummary)
async def get_resource(resource_id: str) -> ResourceSummary:
    """The whole of one resource, by the contract's own models."""
    async with _sessions() as session:
        found = await _one(session, resource_id)
    if found is None:
        raise HTTPException(404)
    return ResourceSummary.model_validate(_contract(found))


def _contract(row: models.Resource) -> dict[str, Any]:
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
        "spec": _spec(row),
        "linked_resources": [_linked(link) for link in row.linked_resources],
        "offer_history": [_provenance(entry) for entry in row.offer_history],
        "pricing_total_hourly": row.price,
        "valid_from": row.valid_from,
        "valid_to": row.valid_to,
        "last_synced_at": row.seen_at,
        "created_at": row.created_at,
    }


def _spec(row: models.Resource) -> dict[str, Any]:
    told: dict[str, Any] = {"gpu_type": row.gpu_type, "gpu_family": row.gpu_family, "gpu_count": row.gpu_count}
    texts = {"vcpu_count": row.vcpu_count, "memory_gb": row.memory_gb, "disk_gb": row.disk_gb}
    told |= {name: None if text is None else float(text) for name, text in texts.items()}
    told |= {"vendor_sku": row.vendor_sku, "image": row.image}
    return {name: value for name, value in told.items() if value is not None}


def _linked(link: models.Link) -> dict[str, Any]:
    return {
        "resource_id": link.to_id,
        "resource_type": link.resource.resource_type.lower(),
        "name": link.name,
        "status": link.status.lower(),
        "link_type": link.link_type.lower(),
        "linked_since": link.linked_since,
        "linked_until": link.linked_until,
    }


def _provenance(entry: models.Provenance) -> dict[str, Any]:
    return {
        "offer_id": entry.offer_id,
        "offer_type": entry.offer.offer_type.lower(),
        "role": entry.role.lower(),
        "created_at": entry.created_at,
    }


if __name__ == "__main__":
    serve(app)
