"""The door to addresses that others chose: what it refuses, and what it then reads."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from approvals import link_door
from approvals.link_door import LinkDoor, LinkRefused, NoAnswer, is_public

PUBLIC = "93.184.215.14"
_NOT_PUBLIC = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.254 127.0.0.1 127.1.2.3
127.255.255.254 169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.8
192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.1
203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1
::ffff:10.0.0.1 ::ffff:7f00:1 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b:1::1 100::1
2001::1 2001:db8::1 2002:7f00:1::1 2002:a00:1:: 3fff::1 fc00::1 fd00::1 fe80::1 fe80::1%lo
fec0::1 ff02::1 5f00::1 nonsense
"""
NOT_PUBLIC = _NOT_PUBLIC.split()
# What the loopback address is called: getaddrinfo understands most of these by itself.
_SPELLINGS = """
localhost LOCALHOST localhost. localhost.localdomain ip6-localhost 127.0.0.1 127.1 127.0.1
127.000.000.001 0 0.0.0.0 2130706433 017700000001 0177.0.0.1 0177.0.0.01 0x7f.0.0.1
0x7f000001 0x7F.0x0.0x0.0x1 0x7f.1 0177.1 127.0.0.1. 127。0。0。1 127.0.0.1 ①②⑦.⓪.⓪.① [::1]
[::] [0:0:0:0:0:0:0:1] [0000::0001] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1]
[64:ff9b::127.0.0.1] [2002:7f00:1::] [fe80::1] [fc00::1] 10.0.0.1 192.168.1.1 172.16.0.1
169.254.169.254 2852039166 0xa9fea9fe 0251.0376.0251.0376 metadata.google.internal
100.100.100.200 printer.local intranet router.lan db.internal a.test b.invalid c.onion
d.home e.corp
"""
SPELLINGS = _SPELLINGS.split()
_NAMES = """
rebind.example loopback.example private.example linklocal.example cgnat.example
nat64.example sixtofour.example mapped.example mixed.example multicast.example empty.example
xn--80ak6aa92e.example
"""
NAMES = _NAMES.split()
TABLE = {
    "rebind.example": ["127.0.0.1"],
    "loopback.example": ["127.0.0.1", "::1"],
    "private.example": ["10.0.0.8"],
    "linklocal.example": ["169.254.169.254"],
    "cgnat.example": ["100.64.1.1"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "sixtofour.example": ["2002:7f00:1::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "mixed.example": [PUBLIC, "127.0.0.1"],
    "multicast.example": ["224.0.0.251"],
    "empty.example": [],
    "xn--80ak6aa92e.example": ["127.0.0.1"],
}
ODD = [
    "http://public.example/",
    "https://public.example:8443/",
    "https://public.example:80/",
    "https://public.example:0/",
    "https://public.example:/",
    "https://ana@public.example/",
    "https://public.example@127.0.0.1/",
    "https://127.0.0.1#@public.example/",
    "https://public.example\\@127.0.0.1/",
    "https://public.example /",
    "https://public.example\t/",
    "https://public.example\r\nHost: 127.0.0.1/",
    "https:///127.0.0.1/",
    "https:127.0.0.1",
    "//127.0.0.1/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_SET",
    "dict://127.0.0.1:11211/stats",
    "ftp://127.0.0.1/",
    "ldap://127.0.0.1/",
    "javascript:alert(1)",
    "data:text/html,hi",
    "jar:https://127.0.0.1/!/",
    "https://[::1",
    "https://[::1]extra/",
    "https://[v1.x]/",
    "https://%31%32%37.0.0.1/",
    "https://127.0.0.1%00.public.example/",
    "https://-public-.example:x/",
    "https://" + "a" * 64 + ".example/",
    "https://" + "a." * 130 + "example/",
    "https://.example/",
    "https://example/",
    "https://\u0430pple.example/",
    "",
    "https://",
]
HOSTILE = [
    *(f"https://{spelling}/" for spelling in SPELLINGS),
    *(f"http://{spelling}:8000/latest/meta-data/" for spelling in SPELLINGS[:20]),
    *(f"https://{name}/" for name in NAMES),
    *ODD,
]


class Canary:
    """A TLS server on loopback that answers what it is told and counts who comes."""

    def __init__(self, server: ssl.SSLContext) -> None:
        self.answers: list[bytes] = []
        self.visits = 0
        self.requests: list[bytes] = []
        self._server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listening.accept()
            except OSError:
                return
            self.visits += 1
            threading.Thread(target=self._answer, args=(plain,), daemon=True).start()

    def _answer(self, plain: socket.socket) -> None:
        try:
            with self._server.wrap_socket(plain, server_side=True) as secure:
                self.requests.append(secure.recv(4096))
                for piece in self.answers.pop(0) if self.answers else ():
                    secure.sendall(piece if isinstance(piece, bytes) else bytes([piece]))
        except OSError:
            return

    def close(self) -> None:
        self._listening.close()


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for our example hosts, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "canary")])
    now = datetime.datetime.now(datetime.UTC)
    hosts = [x509.DNSName("public.example"), x509.DNSName("other.example")]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "both.pem").write_bytes(pem + private)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "both.pem")
    client = ssl.create_default_context(cadata=pem.decode())
    return server, client


@pytest.fixture
def canary(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> Iterator[Canary]:
    with closing(Canary(contexts[0])) as opened:
        yield opened


@pytest.fixture
def door(canary: Canary, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> LinkDoor:
    """The real door; only that "the public address" is the canary, and its names are known."""
    asked.clear()
    tried.clear()

    def resolve(host: str) -> list[str]:
        asked.append(host)
        if host in ("public.example", "other.example"):
            return [PUBLIC]
        return TABLE[host] if host in TABLE else link_door.resolve(host)

    def connect(address: str, timeout: float) -> socket.socket:
        tried.append(address)
        return socket.create_connection(("127.0.0.1", canary.port), timeout)

    return LinkDoor(resolve=resolve, connect=connect, tls=contexts[1], seconds=2)


asked: list[str] = []
tried: list[str] = []


def page(body: str, status: str = "200 OK", kind: str = "text/html; charset=utf-8") -> list[bytes]:
    return [f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n\r\n{body}".encode()]


def moved(to: str) -> list[bytes]:
    return [f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_addresses_that_are_not_public_are_denied(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "2606:4700::1111", "2a00:1450:4001::1"])
def test_public_addresses_are_let_through(address: str) -> None:
    assert is_public(address)


def test_120_hostile_links_make_no_connection(door: LinkDoor, canary: Canary) -> None:
    assert len(HOSTILE) >= 120
    for link in HOSTILE:
        with pytest.raises((LinkRefused, NoAnswer)):
            door.read(link)
    assert (canary.visits, tried) == (0, [])


def test_redirects_into_hostile_places_lead_nowhere_else(door: LinkDoor, canary: Canary) -> None:
    usable = [link for link in HOSTILE if link.isascii() and link.isprintable() and "//" in link]
    for link in usable:
        canary.answers.append(moved(link))
        with pytest.raises((LinkRefused, NoAnswer)):
            door.read("https://public.example/")
        canary.answers.clear()
    assert len(usable) >= 100
    assert canary.visits >= len(usable)
    assert set(tried) == {PUBLIC}


def test_a_name_is_resolved_once_and_that_very_address_is_used(
    door: LinkDoor, canary: Canary
) -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    door.resolve = lambda _host: next(answers)
    canary.answers.append(page("Hello"))
    assert door.read("https://public.example/").text == "Hello"
    assert tried == [PUBLIC]
    assert next(answers) == ["127.0.0.1"]  # nobody asked again


def test_a_page_is_read_with_its_words(door: LinkDoor, canary: Canary) -> None:
    canary.answers.append(
        page("<style>a{}</style><h1>Zelt</h1><script>x</script><p>129,90&nbsp;€ é")
    )
    landing = door.read("https://public.example/zelte?q=ü#top")
    assert (landing.status, landing.text) == (200, "Zelt 129,90 € é")
    request = canary.requests[0].decode()
    assert request.startswith("GET /zelte?q=%C3%BC HTTP/1.1\r\nHost: public.example\r\n")
    assert "Cookie" not in request
    assert "Authorization" not in request


def test_up_to_three_redirects_are_followed_and_a_fourth_is_not(
    door: LinkDoor, canary: Canary
) -> None:
    canary.answers += [moved("/a"), moved("https://other.example/b"), moved("c"), page("Here")]
    landing = door.read("https://public.example/")
    assert (landing.link, landing.text) == ("https://other.example/c", "Here")
    canary.answers += [moved(f"/{step}") for step in range(5)]
    with pytest.raises(LinkRefused, match="more than 3"):
        door.read("https://public.example/")


def test_an_error_page_keeps_its_status_and_other_files_are_not_read(
    door: LinkDoor, canary: Canary
) -> None:
    canary.answers += [page("gone", "404 Not Found"), page("x", kind="application/pdf")]
    assert door.read("https://public.example/").status == 404
    assert door.read("https://public.example/").text == ""


def test_a_huge_page_is_read_up_to_the_cap(door: LinkDoor, canary: Canary) -> None:
    canary.answers.append(page("<p>" + "word " * 1_000_000))
    assert len(door.read("https://public.example/").text) <= 50_000


@pytest.mark.parametrize(
    "answer",
    [
        [b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99\r\n\r\n", "drip"],
        ["drip"],
        [b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", "drip"],
    ],
)
def test_a_slow_drip_ends_with_the_deadline(door: LinkDoor, canary: Canary, answer) -> None:
    stop = threading.Event()

    def drip() -> Iterator[bytes]:
        for piece in answer:
            if isinstance(piece, bytes):
                yield piece
        while not stop.wait(0.05):
            yield b"x"

    canary.answers.append(drip())
    door.seconds = 0.5
    began = datetime.datetime.now(datetime.UTC)
    with pytest.raises(NoAnswer):
        door.read("https://public.example/")
    stop.set()
    assert datetime.datetime.now(datetime.UTC) - began < datetime.timedelta(seconds=2)


def test_a_wrong_certificate_is_no_answer(door: LinkDoor) -> None:
    door.tls = ssl.create_default_context()
    with pytest.raises(NoAnswer):
        door.read("https://public.example/")


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_no_proxy_of_the_environment_is_used(
    door: LinkDoor, canary: Canary, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://10.0.0.1:3128")
    canary.answers.append(page("Direct"))
    assert door.read("https://public.example/").text == "Direct"
    assert ipaddress.ip_address(tried[-1]) == ipaddress.ip_address(PUBLIC)
