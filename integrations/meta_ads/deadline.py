"""Connections that keep a deadline for the whole call.

A read timeout counts each read anew, so a server that drips one byte now and then could hold a
worker for hours, in the headers as well as in the body. Here every single send and receive may only
use what is left until the deadline of the call that this thread is making.
"""

from __future__ import annotations

import http.client
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_BUFFER = 65_536
_remaining: ContextVar[Callable[[], float] | None] = ContextVar("remaining", default=None)


@contextmanager
def deadline(remaining: Callable[[], float]) -> Iterator[None]:
    """Within the block, no network operation of this thread outlasts ``remaining()`` seconds."""
    token = _remaining.set(remaining)
    try:
        yield
    finally:
        _remaining.reset(token)


def _limit(sock: Any, usual: float | None) -> None:
    """Set the socket's timeout to what may be used now. Raises TimeoutError after the deadline."""
    remaining = _remaining.get()
    if remaining is None:
        return
    left = remaining()
    if left <= 0:
        raise TimeoutError("The deadline of the call has passed.")
    sock.settimeout(left if usual is None else min(left, usual))


class _TimedStream(io.RawIOBase):
    """The bytes of a socket, each receive within the deadline."""

    def __init__(self, raw: Any, sock: Any) -> None:
        self._raw, self._sock, self._usual = raw, sock, sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        _limit(self._sock, self._usual)
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimedStream(self.fp.detach(), sock), _BUFFER)


class _TimedSending:
    sock: Any

    def send(self, data: Any) -> None:
        if self.sock is not None:  # else it connects first, which has a timeout of its own
            _limit(self.sock, None)
        super().send(data)  # type: ignore[misc]  # HTTPConnection's


class _Connection(_TimedSending, HTTPConnection):
    response_class = _TimedResponse


class _SecureConnection(_TimedSending, HTTPSConnection):
    response_class = _TimedResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


POOL_CLASSES = {"http": _Pool, "https": _SecurePool}
