"""The JSON bodies of machines, volumes, offers and errors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias

from domain.timestamps import optional_text, to_text
from sandbox.resources import Machine, MachineStatus, RentalOffer, Sku, Volume

Body: TypeAlias = "dict[str, Any]"


def machine_body(machine: Machine, at: datetime) -> Body:
    """Return a machine as it is shown at an instant.

    `utilisation`, `cost_so_far` and `console.token` exist because real clouds return such values: they change constantly, or
    are secret.
    """
    is_reachable = machine.status == MachineStatus.RUNNING
    hours = max(0.0, (at - machine.created_at).total_seconds() / 3600)
    return {
        "id": machine.machine_id,
        "name": machine.name,
        "status": machine.status,
        "status_message": machine.message,
        "sku": machine.sku.name,
        "form": machine.sku.form,
        "contract": machine.contract,
        "region": machine.region,
        "image": machine.image,
        "created_at": to_text(machine.created_at),
        "hardware": hardware_body(machine.sku),
        "ssh": {"user": machine.ssh_user, "host": machine.public_ip, "port": machine.ssh_port}
        if is_reachable
        else None,
        "private_ip": machine.private_ip,
        "price": _machine_price(machine),
        "term": {
            "starts_at": optional_text(machine.term_starts_at),
            "ends_at": optional_text(machine.term_ends_at),
        },
        "reclaim_at": optional_text(machine.reclaim_at),
        "attachments": [
            {"volume_id": attachment.volume_id, "attached_at": to_text(attachment.attached_at)}
            for attachment in machine.attachments
        ],
        "utilisation": int(at.timestamp()) * 7 % 101,
        "cost_so_far": round(hours * machine.hourly, 2),
        "console": {"path": f"/console/{machine.machine_id}", "token": f"console-{machine.machine_id[::-1]}"},
    }


def _machine_price(machine: Machine) -> Body:
    return {
        "currency": "USD",
        "running_hourly": machine.hourly,
        "stopped_hourly": machine.stopped_hourly,
        "current_hourly": machine.current_hourly,
    }


def hardware_body(sku: Sku) -> Body:
    """Return the hardware of a machine type."""
    gpu = {
        "model": sku.gpu_model,
        "count": sku.gpu_count,
        "memory_gb": sku.gpu_memory_gb,
    }
    return {
        "gpu": gpu if sku.gpu_count else None,
        "vcpus": sku.vcpus,
        "memory_gb": sku.memory_gb,
        "disk_gb": sku.disk_gb,
    }


def volume_body(volume: Volume, machines: Sequence[Machine]) -> Body:
    """Return a volume with its attachments to the machines."""
    return {
        "id": volume.volume_id,
        "name": volume.name,
        "status": volume.status,
        "form": volume.form,
        "size_gb": volume.size_gb,
        "region": volume.region,
        "created_at": to_text(volume.created_at),
        "price": {"currency": "USD", "current_hourly": volume.hourly},
        "attached_to": [
            {"machine_id": machine.machine_id, "attached_at": to_text(attachment.attached_at)}
            for machine in machines
            for attachment in machine.attachments
            if attachment.volume_id == volume.volume_id
        ],
    }


def offer_body(offer: RentalOffer) -> Body:
    """Return an offer."""
    return {
        "id": offer.offer_id,
        "sku": offer.sku.name,
        "form": offer.sku.form,
        "contract": offer.contract,
        "region": offer.region,
        "hardware": hardware_body(offer.sku),
        "price": {
            "currency": "USD",
            "running_hourly": offer.hourly,
            "stopped_hourly": offer.sku.stopped_hourly,
        },
    }


def error_body(code: str, message: str) -> Body:
    """Return an error in the API's own format."""
    return {"error": {"code": code, "message": message}}
