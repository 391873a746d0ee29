"""The link as text: a public, encrypted web address of the site that this target advertises.

What it leads to is another matter: see approvals.checks.landing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

from approvals.checks.characters import mixes_scripts
from approvals.checks.finding import Finding, Severity
from approvals.limits import LINK_LIMIT

_NOT_IN_A_LINK = re.compile(
    r"[\s\\\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
_HOST = re.compile(r"(?=.{4,253}$)([\w-]{1,63}\.)+[^\W\d_][\w-]{0,62}", re.UNICODE)
_PRIVATE_SUFFIXES = (
    ".local",
    ".localhost",
    ".internal",
    ".intranet",
    ".lan",
    ".home",
    ".corp",
    ".arpa",
    ".test",
    ".invalid",
    ".onion",
)
# Their owner, not ours, decides where such a link leads, also after the approval.
_SHORTENERS = """
adf.ly amzn.to bit.do bit.ly bitly.com bl.ink buff.ly clck.ru cutt.ly dub.sh dwz.cn fb.me
geni.us goo.gl goo.su gg.gg han.gl hyperurl.co is.gd j.mp kurzelinks.de lnk.to lnkd.in me2.do
ow.ly qr.ae qr.net rb.gy rebrand.ly s.id short.gy short.io shorte.st shorturl.asia shorturl.at
shrtco.de smarturl.it snip.ly soo.gd spoo.me suo.im t.cn t.co t.ly tiny.cc tiny.pl tinyurl.com
trib.al u.to url.cn urlr.me urlz.fr v.gd vk.cc wp.me x.co x.gd yourls.org zpr.io
"""
SHORTENERS = frozenset(_SHORTENERS.split())
# Second level names under which countries sell, so that "shop.co.uk" is one site.
_SECOND_LEVEL = frozenset(["ac", "co", "com", "edu", "go", "gob", "gov", "ne", "net", "or", "org"])
# Hosts below these belong to different people each.
_SHARED = """
appspot.com azurewebsites.net blogspot.com github.io herokuapp.com netlify.app ngrok.io
pages.dev vercel.app web.app weebly.com wixsite.com wordpress.com workers.dev
"""
_SHARED_HOSTS = frozenset(_SHARED.split())


def check_link(link: str, *, usual_sites: Collection[str] = ()) -> Iterator[Finding]:
    """A public host name, no credentials, no odd port, no shortener, at most 1,000 characters.

    ``usual_sites`` are the sites (see site_of) that the target's ads lead to; empty: any.
    """
    if not link:
        return
    if len(link) > LINK_LIMIT:
        yield Finding(
            "too_long", "link", "The link is too long.", limit=LINK_LIMIT, found=len(link)
        )
    host, refusal = _public_host(link)
    if refusal:
        yield refusal
        return
    if link.startswith("http:"):
        yield about_link(link, "http", "link_not_https", "The link is not encrypted. Use https.")
    site = site_of(host)
    if site in SHORTENERS:
        yield about_link(
            link,
            host,
            "link_shortener",
            f"{host} is a link shortener: where it leads can change after the approval. "
            "Use the page's own address.",
            Severity.BLOCK,
        )
    elif usual_sites and site not in usual_sites:
        usual = ", ".join(sorted(usual_sites)[:3])
        yield about_link(
            link,
            host,
            "other_site",
            f"The link leads to {shown_host(host)}; ads of this target lead to {usual}.",
        )


def host_of(link: str) -> str:
    """The host of a link in lower case without its final dot; empty when there is none."""
    try:
        return (urlsplit(link).hostname or "").rstrip(".")
    except ValueError:
        return ""


def site_of(host: str) -> str:
    """The part of a host that one owner has registered, by rule of thumb.

    The list of public suffixes is too large to carry; what is missing here only ever leads to one
    more warning ("another site") or, below an unknown shared host, to one warning less.
    """
    labels = host.casefold().removeprefix("www.").split(".")
    if len(labels) > 2 and ".".join(labels[-2:]) in _SHARED_HOSTS:
        return ".".join(labels[-3:])
    is_country = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3 if is_country else -2 :])


def shown_host(host: str) -> str:
    """The host as people read it; a name in punycode with what it stands for."""
    if "xn--" not in host:
        return host
    try:
        return f"{host} ({host.encode('ascii').decode('idna')})"
    except UnicodeError:
        return host


def _public_host(link: str) -> tuple[str, Finding | None]:
    """The host of a public address, or why it is none."""

    def refused(code: str, message: str, words: str = link) -> tuple[str, Finding]:
        return "", about_link(link, words, code, message, Severity.BLOCK)

    if odd := _NOT_IN_A_LINK.search(link):
        words = "The link contains a space, a backslash or a control character."
        return refused("bad_link", words, odd.group())
    try:
        parts = urlsplit(link)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return refused("bad_link", "This is not a web address.")
    if parts.scheme not in ("http", "https") or not host:
        return refused("bad_link", "The link must start with https://.")
    if "@" in parts.netloc:
        return refused(
            "link_with_credentials",
            "The link must not contain a user name or password.",
            host,
        )
    if port not in (None, 80, 443) or parts.netloc.endswith(":"):
        return refused("bad_link", "The link must not name a port.", parts.netloc)
    if _is_address(host) or not _HOST.fullmatch(host) or host.endswith(_PRIVATE_SUFFIXES):
        return refused("link_not_public", "The link must lead to a public web site.", host)
    if any(mixes_scripts(name) for name in (host, _in_unicode(host))):
        words = "The domain mixes alphabets, as look-alike domains do."
        return refused("mixed_scripts", words, host)
    return host, None


def about_link(
    link: str, words: str, code: str, message: str, severity: Severity = Severity.WARN
) -> Finding:
    """A finding that points at ``words`` in the link, or at all of it if they are not in there."""
    found = re.search(re.escape(words), link, re.IGNORECASE)
    start, end = found.span() if found else (0, len(link))
    return Finding(code, "link", message, severity, start, end, link[start:end])


def _in_unicode(host: str) -> str:
    try:
        return host.encode("ascii").decode("idna")
    except UnicodeError:
        return host


def _is_address(host: str) -> bool:
    """An IP address in any of the spellings that a browser understands."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        last = host.split(".")[-1]
        return last.isdecimal() or re.fullmatch(r"0x[0-9a-f]*", last) is not None
    return True
