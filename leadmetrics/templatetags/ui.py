"""What templates say about numbers, money, times and icons. A template builtin: no `load` needed.

The ``format_*`` functions give plain text, for charts, exports and messages. The filters of almost
the same name give HTML where a figure is missing, because a gap must say why it is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from django import template
from django.template.context import Context
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

Number = Decimal | int | float | str

MISSING = "–"
# Queues are counted up to here; one more stands for "more than that".
COUNTED_TO = 1000
# A change of more per cent than this says nothing more, and might be too long to be written.
BEYOND_COMPARE = Decimal(1_000_000)
MINUS = "−"
NO_BREAK = "\u00a0"

# Meta counts these in whole units (offset 1 in its currency table), whatever ISO 4217 says.
WHOLE_UNIT_CURRENCIES = frozenset(
    {"CLP", "COP", "CRC", "HUF", "IDR", "ISK", "JPY", "KRW", "PYG", "TWD", "VND"}
)
# Only signs that cannot be mistaken for another currency; the rest show their code.
CURRENCY_SIGNS = {
    "EUR": "€",
    "USD": "US$",
    "GBP": "£",
    "JPY": "¥",
    "INR": "₹",
    "KRW": "₩",
    "ILS": "₪",
    "BRL": "R$",
    "AUD": "A$",
    "CAD": "CA$",
    "NZD": "NZ$",
    "VND": "₫",
    "PHP": "₱",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A difference in words: ``text`` like "+12.4% up", a tone, and the icon that goes with it.

    ``percent`` is the same as a number with one digit after the point.
    """

    text: str
    tone: str
    icon: str
    percent: Decimal


def _decimal(value: Number) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def format_number(value: Number, decimals: int = 0) -> str:
    """``value`` with thousands separators and exactly ``decimals`` digits after the point."""
    step = Decimal(1).scaleb(-decimals)
    rounded = _decimal(value).quantize(step, rounding=ROUND_HALF_UP)
    return f"{MINUS if rounded < 0 else ''}{abs(rounded):,}"


def format_money(amount: Number, currency: str) -> str:
    """``amount`` in major units as "€1,234.50", "¥1,235" or "SEK 1,234.50" (ISO code given)."""
    digits = format_number(amount, 0 if currency in WHOLE_UNIT_CURRENCIES else 2)
    sign = MINUS if digits.startswith(MINUS) else ""
    mark = CURRENCY_SIGNS.get(currency, f"{currency}{NO_BREAK}" if currency else "")
    return f"{sign}{mark}{digits.removeprefix(MINUS)}"


def format_percent(value: Number, decimals: int = 1) -> str:
    """``value``, already in percent as Meta sends it, as "1.2%"."""
    return f"{format_number(value, decimals)}%"


def describe_change(
    now: Number | None, before: Number | None, *, better: str = "up"
) -> Change | None:
    """How ``now`` differs from ``before``, relative to ``before``.

    ``better`` is "up", "down" (costs) or "" (neither is good news). None when either figure is
    missing or ``before`` is zero: then no percentage is true.
    """
    if now is None or before is None or not _decimal(before):
        return None
    ratio = (_decimal(now) - _decimal(before)) / abs(_decimal(before)) * 100
    percent = min(max(ratio, -BEYOND_COMPARE), BEYOND_COMPARE).quantize(
        Decimal("0.1"), rounding=ROUND_HALF_UP
    )
    if not percent:
        return Change("no change", "neutral", "minus", Decimal(0))
    way, sign = ("up", "+") if percent > 0 else ("down", MINUS)
    tone = ("good" if way == better else "bad") if better else "neutral"
    words = f"{sign}{format_percent(abs(percent))} {way}"
    return Change(words, tone, f"trending-{way}", percent)


@register.simple_tag
def icon(name: str, label: str = "", size: int = 16) -> SafeString:
    """The icon ``name`` of static/icons.svg; decorative unless it has a ``label``."""
    spoken = (
        format_html(' role="img" aria-label="{}"', label)
        if label
        else SafeString(' aria-hidden="true"')
    )
    return format_html(
        '<svg class="icon{}" width="{}" height="{}"{}><use href="{}#{}"></use></svg>',
        " icon--spin" if name == "loader-circle" else "",
        size,
        size,
        spoken,
        static("icons.svg"),
        name,
    )


@register.simple_tag
def missing(reason: str) -> SafeString:
    """The dash for a figure that is not there, with ``reason`` on hover, focus and for readers."""
    return format_html(
        '<span class="missing" tabindex="0"><span aria-hidden="true">{}</span>'
        '<span class="missing__reason">{}</span></span>',
        MISSING,
        reason,
    )


@register.filter
def full_day(day: date) -> str:
    """ "Tue 3 Nov 2026"; twenty times as fast as Django's filter, and a year has many days."""
    return f"{day:%a} {day.day} {day:%b %Y}"


@register.filter
def money(amount: Number | None, currency: str) -> str:
    """``amount`` of ``currency`` for people, or the dash when Meta did not say."""
    return missing("Meta sent no amount") if amount is None else format_money(amount, currency)


@register.filter
def number(value: Number | None, decimals: int = 0) -> str:
    """``value`` with thousands separators, or the dash when Meta did not say."""
    return missing("Meta sent no figure") if value is None else format_number(value, decimals)


@register.filter
def counted(value: int) -> str:
    """A number of waiting things, which is counted up to a thousand: 1,000+ beyond."""
    return format_number(value) if value <= COUNTED_TO else f"{format_number(COUNTED_TO)}+"


@register.filter
def percent(value: Number | None, decimals: int = 1) -> str:
    """``value`` (in percent already) with its sign, or the dash when Meta did not say."""
    return missing("Meta sent no figure") if value is None else format_percent(value, decimals)


@register.simple_tag
def change(now: Number | None, before: Number | None, better: str = "up") -> Change | None:
    """See describe_change; for use as ``{% change now before as c %}``."""
    return describe_change(now, before, better=better)


def _time(when: datetime, words: str, zone: str = "") -> SafeString:
    """A time element for ``when`` (in the zone to be shown) that reads ``words``."""
    full = f"{when.day} {when:%B %Y, %H:%M} {zone or when.tzname() or ''}".strip()
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        when.astimezone(UTC).isoformat(timespec="seconds"),
        full,
        words,
    )


def _day_and_clock(when: datetime, now: datetime) -> str:
    year = "" if when.year == now.year else f" {when.year}"
    return f"{when.day} {when:%b}{year}, {when:%H:%M}"


@register.filter
def as_of(when: datetime | None, zone: str = "") -> str:
    """ "as of 09:12", with the day unless it is today, in ``zone`` or the current timezone."""
    if when is None:
        return missing("Not pulled yet")
    tz = ZoneInfo(zone) if zone else None
    local, now = timezone.localtime(when, tz), timezone.localtime(timezone.now(), tz)
    clock = f"{local:%H:%M}" if local.date() == now.date() else _day_and_clock(local, now)
    return _time(local, f"as of {clock}", zone)


@register.filter
def ago(when: datetime | None) -> str:
    """ "just now", "5 min ago", "3 h ago", and after a day the date and time."""
    if when is None:
        return missing("Not yet")
    local, now = timezone.localtime(when), timezone.localtime(timezone.now())
    age = now - local
    if age < timedelta(minutes=1):
        words = "just now" if age > timedelta(minutes=-1) else _day_and_clock(local, now)
    elif age < timedelta(hours=1):
        words = f"{age.seconds // 60} min ago"
    elif age < timedelta(days=1):
        words = f"{age.seconds // 3600} h ago"
    else:
        words = _day_and_clock(local, now)
    return _time(local, words)


@register.filter
def initial(name: str) -> str:
    """The first letter or digit of ``name``, upper case; "?" when there is none."""
    return next((character.upper() for character in name if character.isalnum()), "?")


@register.simple_tag(takes_context=True)
def current(context: Context, *names: str) -> SafeString:
    """The aria-current attribute when the page's URL name is, or lies in, one of ``names``."""
    match = getattr(context.get("request"), "resolver_match", None)
    here = f"{match.view_name}:" if match else ""
    is_here = any(here.startswith(f"{name}:") for name in names)
    return SafeString(' aria-current="page"' if is_here else "")
