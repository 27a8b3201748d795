"""Errors as sabre/dav, the WebDAV library of Nextcloud, words them."""

from collections.abc import Mapping


class DavError(Exception):
    """A WebDAV request that fails with `status`; `kind` is the exception a real server names in the body."""

    def __init__(
        self, status: int, kind: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind if "\\" in kind else f"Sabre\\DAV\\Exception\\{kind}"
        self.headers = headers
