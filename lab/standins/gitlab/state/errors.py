"""GitLab's errors."""

from typing import Any


class ApiError(Exception):
    """An answer other than success.

    GitLab uses two keys, both modelled: `message` for its own errors and `error` for those of its parameter
    validation and for the few endpoints that bypass its helper, hook creation among them.
    """

    def __init__(
        self, status: int, *, message: Any = None, error: str | None = None, location: str | None = None
    ) -> None:
        super().__init__(message or error)
        self.status = status
        self.message = message
        self.error = error
        self.location = location


def not_found(what: str | None = None) -> ApiError:
    """404 as GitLab words it, with or without the kind of record."""
    return ApiError(404, message=f"404 {what} Not Found" if what else "404 Not found")
