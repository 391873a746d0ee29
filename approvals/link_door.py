"""The one door to addresses that somebody else chose: reads a landing page and nothing else.

Whoever writes the link chooses where this connects to, so: https on port 443 only, the name is
resolved once, every address it has must be public, and the connection goes to one of those very
addresses, whatever the name says a moment later. Up to three redirects are looked at in the same
way. Size and total time are capped. Nothing of the environment is used: no proxy, no netrc, no
cookie. The deny table is our own, because "is it private?" has holes (100.64/10, NAT64, 6to4).
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote, urljoin, urlsplit

from approvals.checks.finding import Severity
from approvals.checks.links import check_link
from approvals.page_text import read_text

MAX_BYTES = 1024 * 1024
MAX_SECONDS = 10.0
MAX_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_AGENT = "Leadmetrics link check"
_SAFE = "/?#[]@!$&'()*+,;=%:~"

# IANA special-purpose address registries, and multicast.
_DENIED_4 = [
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
]
# Of IPv6 only global unicast is let through, without what carries IPv4 or documents things.
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
_DENIED_6 = [
    ipaddress.IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
]

Resolve = Callable[[str], list[str]]
Connect = Callable[[str, float], socket.socket]


class LinkRefused(Exception):
    """The link leads where we do not go; nothing was sent there. ``reason`` is for people."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class NoAnswer(Exception):
    """The page could not be read in time."""


@dataclass(frozen=True, slots=True)
class Landing:
    """What was found: HTTP status, the last address, and its text (empty unless it is HTML)."""

    status: int
    link: str
    text: str


def resolve(host: str) -> list[str]:
    """Every address of a host."""
    found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def connect(address: str, timeout: float) -> socket.socket:
    """A connection to exactly this address."""
    return socket.create_connection((address, 443), timeout=timeout)


def is_public(address: str) -> bool:
    """Whether we may connect there."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return not any(found in network for network in _DENIED_4)
    return found in _GLOBAL_6 and not any(found in network for network in _DENIED_6)


@dataclass(slots=True)
class LinkDoor:
    """Reads landing pages. ``resolve``, ``connect`` and ``tls`` exist for tests."""

    resolve: Resolve = resolve
    connect: Connect = connect
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    seconds: float = MAX_SECONDS

    def read(self, link: str) -> Landing:
        """The page behind a link. Raises LinkRefused and NoAnswer."""
        ends_at = time.monotonic() + self.seconds
        for _ in range(MAX_REDIRECTS + 1):
            try:
                landing, onward = self._read_one(link, ends_at)
                link = urljoin(link, onward)
            except (OSError, http.client.HTTPException, ValueError) as exc:
                raise NoAnswer from exc
            if not onward:
                return landing
        raise LinkRefused(f"The link is redirected more than {MAX_REDIRECTS} times.")

    def _read_one(self, link: str, ends_at: float) -> tuple[Landing, str]:
        host, path = _parts(link)
        address = self._public_address(host)
        left = ends_at - time.monotonic()
        if left <= 0:
            raise NoAnswer
        with (
            self.connect(address, left) as plain,
            _cut_off(plain, left),
            self.tls.wrap_socket(plain, server_hostname=host) as secure,
        ):
            connection = http.client.HTTPConnection(host, timeout=left)
            connection.sock = secure
            connection.request(
                "GET",
                path,
                headers={
                    "User-Agent": _AGENT,
                    "Accept": "text/html",
                    "Accept-Encoding": "identity",
                    "Connection": "close",
                },
            )
            response = connection.getresponse()
            if response.status in _REDIRECTS and (onward := response.headers.get("Location")):
                return Landing(response.status, link, ""), onward
            kind = response.headers.get_content_type()
            body = response.read(MAX_BYTES) if kind == "text/html" else b""
            if time.monotonic() >= ends_at:  # what was read is only the part before the cut
                raise NoAnswer
            text = read_text(body, response.headers.get_content_charset() or "")
            return Landing(response.status, link, text), ""

    def _public_address(self, host: str) -> str:
        addresses = self.resolve(host)
        if not addresses or not all(is_public(address) for address in addresses):
            raise LinkRefused("The link leads into a network that is not public.")
        return addresses[0]


def _parts(link: str) -> tuple[str, str]:
    """Host (in ASCII) and path of a link that may be opened. Raises LinkRefused."""
    for finding in check_link(link):
        if finding.severity == Severity.BLOCK and finding.code != "link_shortener":
            raise LinkRefused(finding.message)
    parts = urlsplit(link)
    if parts.scheme != "https" or parts.port not in (None, 443):
        raise LinkRefused("The link leads to an address that is not encrypted.")
    try:
        host = (parts.hostname or "").rstrip(".").encode("idna").decode("ascii")
    except UnicodeError:
        raise LinkRefused("The link has no usable host name.") from None
    path = quote(parts.path or "/", safe=_SAFE)
    return host, f"{path}?{quote(parts.query, safe=_SAFE)}" if parts.query else path


@contextmanager
def _cut_off(connection: socket.socket, seconds: float) -> Iterator[None]:
    """Cut the line after ``seconds``, however slowly the other side drips."""

    def cut() -> None:
        try:
            plain.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    # The TLS layer takes the socket over, so the timer needs a handle of its own.
    plain = connection.dup()
    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        plain.close()
