"""Requests and responses as plain values, between the socket and the rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from integrations.sandbox import params
from integrations.sandbox.errors import invalid
from integrations.sandbox.routes import Upload
from integrations.sandbox.seed import Node


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, body read. Header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    base_url: str

    def form(self) -> tuple[dict[str, str], tuple[Upload, ...]]:
        """The body's fields and files. Raises code 100 for a body that does not parse."""
        kind = self.headers.get("content-type", "")
        if not self.body:
            return {}, ()
        if kind.startswith("multipart/form-data"):
            return parse_multipart(kind, self.body)
        if kind.startswith("application/json"):
            return params.json_body(self.body), ()
        return params.parse_pairs(self.body.decode("utf-8", "replace")), ()


@dataclass(slots=True)
class Response:
    """One HTTP answer. `lost` means the connection closes without it."""

    status: int = 200
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    content_type: str = "application/json; charset=UTF-8"
    lost: bool = False


@dataclass(slots=True)
class Exchange:
    """One call in the making: what came, what was found out, what is answered."""

    method: str
    segments: list[str]
    raw: dict[str, str]
    files: tuple[Upload, ...]
    token: str
    token_in: str
    base_url: str
    version: str
    account: str = ""
    throttled: Node | None = None

    @property
    def path(self) -> str:
        """The path without the version."""
        return "/".join(self.segments)


def parse_multipart(content_type: str, body: bytes) -> tuple[dict[str, str], tuple[Upload, ...]]:
    """Form fields and file parts of a multipart body."""
    _, found, boundary = content_type.partition("boundary=")
    boundary = boundary.split(";")[0].strip().strip('"')
    if not found or not boundary:
        raise invalid("The multipart body has no boundary.")
    fields: dict[str, str] = {}
    files = []
    for headers, content in _parts(boundary.encode(), body):
        disposition = _disposition(headers)
        name = disposition.get("name", "")
        if "filename" in disposition:
            files.append(Upload(name, disposition["filename"].rpartition("/")[2], content))
        else:
            fields[name] = content.decode("utf-8", "replace")
    return fields, tuple(files)


def _parts(boundary: bytes, body: bytes) -> Iterator[tuple[str, bytes]]:
    for chunk in body.split(b"--" + boundary)[1:]:
        if chunk.startswith(b"--"):
            return
        head, blank, content = chunk.partition(b"\r\n\r\n")
        if not blank or not content.endswith(b"\r\n"):
            raise invalid("The multipart body is damaged.")
        yield head.decode("utf-8", "replace"), content[:-2]
    raise invalid("The multipart body is cut short.")


def _disposition(headers: str) -> dict[str, str]:
    found = {}
    for line in headers.splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            for part in value.split(";")[1:]:
                key, _, text = part.strip().partition("=")
                found[key.lower()] = text.strip('"')
    return found
