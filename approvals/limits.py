"""What ad copy may look like: lengths, call to action, link, characters. Pure functions.

Lengths count characters after Unicode NFC. They are Meta's recommendations (Ads Guide), so a tenant
may choose to be warned instead of refused; everything else here is refused for every tenant.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

PRIMARY_TEXT_LIMIT = 125
HEADLINE_LIMIT = 40
DESCRIPTION_LIMIT = 30
# What the database holds; an advisory tenant can go as far as this.
HARD_LIMITS = {"primary_text": 2000, "headline": 255, "description": 255}
RECOMMENDED = {
    "primary_text": PRIMARY_TEXT_LIMIT,
    "headline": HEADLINE_LIMIT,
    "description": DESCRIPTION_LIMIT,
}
LINK_LIMIT = 1000  # Ad Creative reference: URLs have at most 1,000 characters

# Ad Creative Link Data Call To Action: the values that make sense for an ad with a website link.
CALLS_TO_ACTION = {
    "LEARN_MORE": "Learn more",
    "SHOP_NOW": "Shop now",
    "SIGN_UP": "Sign up",
    "SUBSCRIBE": "Subscribe",
    "DOWNLOAD": "Download",
    "BOOK_NOW": "Book now",
    "CONTACT_US": "Contact us",
    "GET_QUOTE": "Get quote",
    "GET_OFFER": "Get offer",
    "APPLY_NOW": "Apply now",
    "ORDER_NOW": "Order now",
    "BUY_NOW": "Buy now",
    "GET_STARTED": "Get started",
    "WATCH_MORE": "Watch more",
    "SEE_MORE": "See more",
    "NO_BUTTON": "No button",
}

LABELS = {
    "primary_text": "Primary text",
    "headline": "Headline",
    "description": "Description",
    "link": "Link",
    "call_to_action": "Call to action",
}

_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_INVISIBLE = frozenset("\u200b\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\u180e\u115f\u1160\u3164")
_JOINERS = frozenset("\u200c\u200d")
_BLACK_FLAG, _TAG_END = "\U0001f3f4", "\U000e007f"
_HOST = re.compile(r"(?=.{4,253}$)([\w-]{1,63}\.)+[^\W\d_][\w-]{0,62}", re.UNICODE)
_PRIVATE_SUFFIXES = (".local", ".localhost", ".internal", ".lan", ".home", ".arpa", ".test")


@dataclass(frozen=True, slots=True)
class AdCopy:
    """The words of an ad, as they will be sent."""

    primary_text: str
    headline: str
    description: str
    link: str
    call_to_action: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with one field; ``code`` is stable, ``message`` is for people."""

    code: str
    field: str
    message: str
    limit: int | None = None
    found: int | None = None

    def as_json(self) -> dict[str, object]:
        """For agents: absent keys are left out."""
        values = {"code": self.code, "field": self.field, "message": self.message}
        numbers = {"limit": self.limit, "found": self.found}
        return {**values, **{key: value for key, value in numbers.items() if value is not None}}


@dataclass(frozen=True, slots=True)
class CheckedCopy:
    """Normalised copy with what blocks it and what is only worth a look."""

    copy: AdCopy
    problems: tuple[Problem, ...]
    flags: tuple[Problem, ...]


def check_copy(copy: AdCopy, *, strict: bool) -> CheckedCopy:
    """Normalise to NFC and check every rule. ``strict`` refuses text beyond the recommendations."""
    copy = normalise(copy)
    problems = [*_missing(copy), *_call_to_action(copy), *check_link(copy.link)]
    flags: list[Problem] = []
    for field in RECOMMENDED:
        text = getattr(copy, field)
        problems.extend(_characters(field, text))
        length = _length(field, text, strict=strict)
        if length:
            (problems if length.code == "too_long" else flags).append(length)
    return CheckedCopy(copy, tuple(problems), tuple(flags))


def normalise(copy: AdCopy) -> AdCopy:
    """NFC, unix line ends, no space around. What people see and approve is this form."""
    return replace(
        copy,
        **{
            field: unicodedata.normalize("NFC", getattr(copy, field).replace("\r\n", "\n")).strip()
            for field in LABELS
        },
    )


def check_link(link: str) -> Iterator[Problem]:
    """http or https, a public host name, no credentials, no odd port, at most 1,000 characters."""

    def problem(code: str, message: str) -> Problem:
        return Problem(code, "link", message)

    if not link:
        return
    if len(link) > LINK_LIMIT:
        yield Problem("too_long", "link", "The link is too long.", LINK_LIMIT, len(link))
    if re.search(r"[\s\\\x00-\x1f\x7f]", link):
        yield problem("bad_link", "The link contains a space, a backslash or a control character.")
        return
    try:
        parts = urlsplit(link)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        yield problem("bad_link", "This is not a web address.")
        return
    if parts.scheme not in ("http", "https") or not host:
        yield problem("bad_link", "The link must start with https:// or http://.")
    elif parts.username is not None or parts.password is not None:
        yield problem("link_with_credentials", "The link must not contain a user name or password.")
    elif port not in (None, 80, 443):
        yield problem("bad_link", "The link must not name a port.")
    elif _is_address(host) or not _HOST.fullmatch(host) or host.endswith(_PRIVATE_SUFFIXES):
        yield problem("link_not_public", "The link must lead to a public web site.")
    elif _mixes_scripts(host):
        yield problem("mixed_scripts", "The domain mixes alphabets, as look-alike domains do.")


def _missing(copy: AdCopy) -> Iterator[Problem]:
    for field in ("primary_text", "headline", "link", "call_to_action"):
        if not getattr(copy, field):
            yield Problem("required", field, f"{LABELS[field]} is missing.")


def _call_to_action(copy: AdCopy) -> Iterator[Problem]:
    if copy.call_to_action and copy.call_to_action not in CALLS_TO_ACTION:
        known = ", ".join(CALLS_TO_ACTION)
        yield Problem(
            "unknown_call_to_action", "call_to_action", f"Choose a call to action from: {known}."
        )


def _length(field: str, text: str, *, strict: bool) -> Problem | None:
    found, recommended, hard = len(text), RECOMMENDED[field], HARD_LIMITS[field]
    limit = recommended if strict else hard
    if found > limit:
        message = f"{LABELS[field]} has {found} characters; {limit} are allowed."
        return Problem("too_long", field, message, limit, found)
    if found > recommended:
        message = f"{LABELS[field]} has {found} characters; feeds cut it after {recommended}."
        return Problem("longer_than_recommended", field, message, recommended, found)
    return None


def _characters(field: str, text: str) -> Iterator[Problem]:
    label = LABELS[field]
    if any(character in _BIDI for character in text):
        yield Problem(
            "bidi_control", field, f"{label} contains characters that reverse reading direction."
        )
    if any(_is_hidden(text, index) for index in range(len(text))):
        yield Problem("invisible_character", field, f"{label} contains invisible characters.")
    if any(_is_control(character, field) for character in text):
        yield Problem(
            "control_character", field, f"{label} contains line breaks or control characters."
        )
    mixed = next((word for word in re.findall(r"\w+", text) if _mixes_scripts(word)), "")
    if mixed:
        yield Problem(
            "mixed_scripts", field, f"{label}: the word “{mixed}” mixes look-alike alphabets."
        )


def _is_hidden(text: str, index: int) -> bool:
    character = text[index]
    if character in _INVISIBLE:
        return True
    if character in _JOINERS:  # needed inside emoji and some scripts, a trick between Latin letters
        before = text[index - 1] if index else "a"
        return before.isascii() or unicodedata.name(before, "").startswith("LATIN")
    if "\U000e0000" <= character <= _TAG_END:  # legitimate only in flags such as Scotland's
        return _BLACK_FLAG not in text[max(0, index - 7) : index]
    return False


def _is_control(character: str, field: str) -> bool:
    if character == "\n":
        return field != "primary_text"
    return unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs", "Zl", "Zp")


def _mixes_scripts(word: str) -> bool:
    scripts = {unicodedata.name(letter, "").split(" ")[0] for letter in word if letter.isalpha()}
    return "LATIN" in scripts and bool(scripts & {"CYRILLIC", "GREEK", "ARMENIAN"})


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.replace(".", "").isdigit() or host.startswith("0x")
    return True
