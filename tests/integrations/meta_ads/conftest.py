"""A client whose HTTP ends at `responses`, Meta's answers as files, and a server of raw bytes."""

from __future__ import annotations

import ipaddress
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import responses
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integrations.meta_ads.client import MetaAdsClient
from integrations.meta_ads.transport import Transport, make_session
from integrations.meta_ads.types import AccessToken, MetaConfig

BASE = "https://graph.example.com/v26.0"
ACT = "act_333"
TOKEN = AccessToken("EAAExampleToken")
APP_SECRET = "app-secret"
ANSWERS = Path(__file__).parents[2] / "fixtures" / "meta_ads"


def answer(name: str) -> Any:
    """A good answer of Meta's."""
    return json.loads((ANSWERS / f"{name}.json").read_text())


def failing(code: Any, subcode: Any = None, **more: Any) -> dict[str, Any]:
    """Meta's error envelope."""
    return {"error": {"message": "text", "code": code, "error_subcode": subcode, **more}}


def make_config(base_url: str = "https://graph.example.com", **timeouts: float) -> MetaConfig:
    return MetaConfig(
        app_id="111",
        app_secret=APP_SECRET,
        api_version="v26.0",
        base_url=base_url,
        dialog_url="https://www.example.com/dialog/oauth",
        **timeouts,
    )


class Clock:
    """Time that passes only while something waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def graph() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=True) as mock:
        yield mock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def transport(clock: Clock) -> Iterator[Transport]:
    session = make_session()
    yield Transport(make_config(), session, sleep=clock.sleep, clock=clock, jitter=lambda: 0.5)
    session.close()


@pytest.fixture
def client(transport: Transport) -> MetaAdsClient:
    return MetaAdsClient(transport, TOKEN)


class RawServer:
    """A loopback server whose every connection is handed to ``serve``."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.connections = 0
        self.serve: Callable[[socket.socket], None] = lambda _connection: None
        self.tls: ssl.SSLContext | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._threads.append(threading.Thread(target=self._run, args=(connection,)))
            self._threads[-1].start()

    def _run(self, connection: socket.socket) -> None:
        with connection:
            try:
                if self.tls is None:
                    self.serve(connection)
                    return
                with self.tls.wrap_socket(connection, server_side=True) as secured:
                    self.serve(secured)
            except OSError:
                return  # the client went away, as it should

    def answers(self, raw: bytes) -> None:
        """Read one request, write these bytes, close."""

        def serve(connection: socket.socket) -> None:
            read_request(connection)
            connection.sendall(raw)

        self.serve = serve

    def stop(self) -> None:
        self.stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()


def read_request(connection: socket.socket) -> bytes:
    """The bytes of one whole request; empty when the client has gone."""
    received = b""
    while chunk := connection.recv(65_536):
        received += chunk
        head, end, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if end and len(body) >= (int(length[1]) if length else 0):
            break
    return received


@pytest.fixture
def raw_server() -> Iterator[RawServer]:
    server = RawServer()
    yield server
    server.stop()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path / "server.pem"
    path.write_bytes(secret + made.public_bytes(pem))
    return path


@pytest.fixture
def raw_transport(raw_server: RawServer) -> Iterator[Transport]:
    """A transport to the raw server with short limits and no retries' waits."""
    session = make_session()
    config = make_config(raw_server.base_url, connect_timeout=0.5, read_timeout=0.4, deadline=0.6)
    yield Transport(config, session, sleep=lambda _seconds: None)
    session.close()
