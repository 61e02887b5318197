"""The errors of the simulated cloud, as its API reports them."""

from __future__ import annotations


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
