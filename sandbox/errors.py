"""The errors of the simulated cloud, as its API reports them."""

from __future__ import annotations

from typing import Final

NO_SUCH_MACHINE: Final = "no_such_machine"
NO_SUCH_VOLUME: Final = "no_such_volume"


class ApiError(Exception):
    """A request that the simulated cloud refuses, with an HTTP status, an error code and a message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def bad_request(message: str) -> ApiError:
    """Return the error for an invalid value in a request."""
    return ApiError(422, "bad_request", message)


def no_such_machine(machine_id: str) -> ApiError:
    """Return the error for a machine that does not exist or no longer exists."""
    return ApiError(404, NO_SUCH_MACHINE, f"There is no machine {machine_id}.")


def no_such_volume(volume_id: str) -> ApiError:
    """Return the error for a volume that does not exist or no longer exists."""
    return ApiError(404, NO_SUCH_VOLUME, f"There is no volume {volume_id}.")
