"""The HTTP server: loopback only, keep-alive, one send per answer."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from integrations.sandbox import dialog, house, params
from integrations.sandbox.graph import Graph
from integrations.sandbox.html import redirect
from integrations.sandbox.wire import Request, Response
from integrations.sandbox.world import World

MOST_BYTES = 40 * 1024 * 1024
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_REASONS = {
    200: "OK",
    302: "Found",
    303: "See Other",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    413: "Payload Too Large",
    500: "Internal Server Error",
}


class SandboxServer(ThreadingHTTPServer):
    """A threading server that knows its open connections, so that it can end them all."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], world: World, version: str, latency_ms: int
    ) -> None:
        self.world = world
        self.latency_ms = latency_ms
        self.graph = Graph(world, version)
        self.connections: set[socket.socket] = set()
        self.gate = threading.Lock()
        super().__init__(address, Handler)

    def stop(self) -> None:
        """End open connections and save the state."""
        with self.gate:
            for connection in self.connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()
        with self.world.lock:
            self.world.journal.compact()
            self.world.journal.close()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: SandboxServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120

    def setup(self) -> None:
        super().setup()
        with self.server.gate:
            self.server.connections.add(self.connection)

    def finish(self) -> None:
        with self.server.gate:
            self.server.connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def handle(self) -> None:
        # A client that hangs up, or is hung up on, is nothing to report.
        with contextlib.suppress(ConnectionError, TimeoutError, ValueError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: addresses may hold tokens. Writes are in the wire log."""

    def _serve(self) -> None:
        host = self.headers.get("Host", "")
        if host.rpartition(":")[0 if ":" in host.rpartition("]")[2] else 2] not in LOOPBACK_NAMES:
            self._send(Response(403, b"This stand-in answers on loopback names only.\n"))
            return
        body = self._body()
        if body is None:
            self.close_connection = True
            self._send(Response(413))
            return
        target = urlsplit(self.path)
        request = Request(
            self.command,
            target.path,
            params.parse_pairs(target.query),
            {name.lower(): value for name, value in self.headers.items()},
            body,
            f"http://{host}",
        )
        self._send(answer(self.server, request))

    do_GET = do_POST = do_DELETE = do_PUT = do_HEAD = _serve

    def _body(self) -> bytes | None:
        """The body; None when its length is missing, broken or beyond what Meta takes.

        Raises ConnectionAbortedError for a body cut short: half a call is none.
        """
        if self.headers.get("Transfer-Encoding"):
            return None
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit():
            return None
        if int(length) > MOST_BYTES:
            # Read on, or the client's send would break before it sees the 413.
            for _ in range(min(int(length), 4 * MOST_BYTES) // 65_536):
                self.rfile.read(65_536)
            return None
        body = self.rfile.read(int(length)) if int(length) else b""
        if len(body) < int(length):
            raise ConnectionAbortedError("The client ended before its body did.")
        return body

    def _send(self, response: Response) -> None:
        if response.lost:
            self.close_connection = True
            return
        lines = [
            f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Status')}",
            f"Date: {self.date_time_string()}",
            f"Content-Length: {len(response.body)}",
        ]
        if response.body:
            lines.append(f"Content-Type: {response.content_type}")
        if self.close_connection:
            lines.append("Connection: close")
        lines += [f"{name}: {value}" for name, value in response.headers]
        head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
        self.wfile.write(head if self.command == "HEAD" else head + response.body)


def answer(server: SandboxServer, request: Request) -> Response:
    """Pages for people under /sandbox and the dialog, everything else is the Graph API."""
    world = server.world
    with world.lock:
        if request.path == "/" and request.method == "GET" and not request.query:
            return redirect("/sandbox/")
        if house.is_ours(request.path):
            return house.handle(world, request)
        if dialog.is_dialog(request.path):
            return dialog.handle(world, request)
        response = server.graph.handle(request)
        delay = server.latency_ms + world.setting("latency_ms")
    if delay:
        time.sleep(delay / 1000)
    return response


@dataclass(frozen=True, slots=True)
class SandboxHandle:
    """A stand-in running in this process, for tests."""

    base_url: str
    world: World
    _server: SandboxServer
    _thread: threading.Thread

    def stop(self) -> None:
        """Stop serving, close every connection, save the state."""
        self._server.shutdown()
        self._server.stop()
        self._thread.join()


def make_server(
    *,
    port: int,
    state_file: Path | None,
    app_id: str,
    app_secret: str,
    host: str = "127.0.0.1",
    latency_ms: int = 0,
    seed_file: Path | None = None,
    api_version: str = "v26.0",
    clock: Callable[[], float] = time.time,
) -> SandboxServer:
    """A bound server, not yet serving. Raises ValueError for an address off this machine."""
    if host != "localhost" and not ip_address(host).is_loopback:
        raise ValueError("The stand-in Graph API only listens on loopback.")
    world = World(
        app_id=app_id,
        app_secret=app_secret,
        state_file=state_file,
        seed_file=seed_file,
        clock=clock,
    )
    return SandboxServer((host, port), world, api_version, latency_ms)


def serve(
    *,
    port: int,
    state_file: Path | None,
    app_id: str,
    app_secret: str,
    host: str = "127.0.0.1",
    latency_ms: int = 0,
    seed_file: Path | None = None,
    api_version: str = "v26.0",
) -> None:
    """Serve until SIGTERM or SIGINT, then save the state. Raises OSError for a busy port."""
    server = make_server(
        port=port,
        state_file=state_file,
        app_id=app_id,
        app_secret=app_secret,
        host=host,
        latency_ms=latency_ms,
        seed_file=seed_file,
        api_version=api_version,
    )

    def end(_: int, __: FrameType | None) -> None:
        # shutdown() waits for serve_forever(), which runs in this very thread.
        threading.Thread(target=server.shutdown).start()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        server.serve_forever(poll_interval=0.5)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        server.stop()


def start_in_thread(
    *,
    port: int = 0,
    state_file: Path | None = None,
    app_id: str = "100000000000001",
    app_secret: str = "stand-in-app-secret",  # noqa: S107 - protects nothing, see settings
    latency_ms: int = 0,
    seed_file: Path | None = None,
    api_version: str = "v26.0",
    clock: Callable[[], float] = time.time,
) -> SandboxHandle:
    """A running stand-in on a free port of 127.0.0.1."""
    server = make_server(
        port=port,
        state_file=state_file,
        app_id=app_id,
        app_secret=app_secret,
        latency_ms=latency_ms,
        seed_file=seed_file,
        api_version=api_version,
        clock=clock,
    )
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    )
    thread.start()
    return SandboxHandle(
        f"http://127.0.0.1:{server.server_address[1]}", server.world, server, thread
    )
