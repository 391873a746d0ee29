"""Which days a report covers. Plain dates: each ad account reads them in its own calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from leadmetrics.errors import InvalidInput

# Insights, Limits and Best Practices: Meta keeps 37 months and refuses what is older.
MONTHS_KEPT = 37
DEFAULT = "28d"
PRESETS: Mapping[str, str] = {
    "yesterday": "Yesterday",
    "7d": "7 days",
    "14d": "14 days",
    "28d": "28 days",
    "90d": "90 days",
    "this_month": "This month",
    "last_month": "Last month",
}


@dataclass(frozen=True, slots=True)
class Period:
    """From ``since`` to ``until``, both included; ``preset`` is its key or empty."""

    since: date
    until: date
    preset: str = ""

    @property
    def length(self) -> int:
        """How many days it has."""
        return (self.until - self.since).days + 1

    @property
    def days(self) -> list[date]:
        """Each day, oldest first."""
        return [self.since + timedelta(days=i) for i in range(self.length)]

    @property
    def before(self) -> Period:
        """The period of the same length that ends the day before this one begins."""
        return Period(self.since - timedelta(days=self.length), self.since - timedelta(days=1))

    @property
    def label(self) -> str:
        """ "23 Nov 2026", "27 Oct to 23 Nov 2026" or "30 Dec 2025 to 2 Jan 2026"."""
        if self.since == self.until:
            return format_day(self.until, year=True)
        same_year = self.since.year == self.until.year
        return (
            f"{format_day(self.since, year=not same_year)} to {format_day(self.until, year=True)}"
        )

    def __str__(self) -> str:
        return f"{self.since.isoformat()}..{self.until.isoformat()}"


def format_day(day: date, *, year: bool = False) -> str:
    """ "3 Nov" or "3 Nov 2026"."""
    return f"{day.day} {day:%b}" + (f" {day.year}" if year else "")


def preset_period(preset: str, *, today: date) -> Period:
    """The days of a preset. All end with the last full day, except this month, which is running.

    Raises InvalidInput for a name that is not in PRESETS.
    """
    yesterday = today - timedelta(days=1)
    first = today.replace(day=1)
    match preset:
        case "yesterday":
            return Period(yesterday, yesterday, preset)
        case "7d" | "14d" | "28d" | "90d":
            days = int(preset.removesuffix("d"))
            return Period(today - timedelta(days=days), yesterday, preset)
        case "this_month":
            return Period(first, today, preset)
        case "last_month":
            last = first - timedelta(days=1)
            return Period(last.replace(day=1), last, preset)
    raise InvalidInput("This range is not one that we know.")


def custom_period(since: str, until: str, *, today: date) -> Period:
    """The days between two ISO dates. Raises InvalidInput when there can be no such report."""
    if not since or not until:
        raise InvalidInput("Give both a first and a last day.")
    period = Period(_read_day(since), _read_day(until))
    if period.since > period.until:
        raise InvalidInput(
            f"The first day, {format_day(period.since, year=True)}, "
            f"comes after the last day, {format_day(period.until, year=True)}."
        )
    if period.until > today:
        raise InvalidInput(
            f"The last day, {format_day(period.until, year=True)}, is in the future. "
            f"The newest day is today, {format_day(today, year=True)}."
        )
    oldest = oldest_day(today)
    if period.since < oldest:
        raise InvalidInput(
            f"Meta keeps {MONTHS_KEPT} months of performance. "
            f"The earliest first day is {format_day(oldest, year=True)}."
        )
    return period


def oldest_day(today: date) -> date:
    """The first day of which Meta still has figures."""
    months = today.year * 12 + today.month - 1 - MONTHS_KEPT
    year, month = divmod(months, 12)
    for day in range(today.day, 27, -1):  # the target month may be shorter
        try:
            return date(year, month + 1, day)
        except ValueError:
            continue
    return date(year, month + 1, min(today.day, 28))


def read_period(params: Mapping[str, str], *, today: date, newest: date) -> tuple[Period, str]:
    """The period a request asks for, and in words what was wrong with it (empty: nothing).

    ``since`` and ``until`` count unless they only repeat the range the form was shown with
    (``shown``), in which case its preset stays. When they cannot be used, the range shown before
    is kept. ``today`` is the day that has begun everywhere, ``newest`` the day that has begun
    anywhere.
    """
    fallback = _shown_before(params, today=today, newest=newest)
    since, until = params.get("since", "").strip(), params.get("until", "").strip()
    preset = params.get("range", "")
    try:
        if (since or until) and f"{since}..{until}" != params.get("shown", "-"):
            return custom_period(since, until, today=newest), ""
        if preset:
            return preset_period(preset, today=today), ""
    except InvalidInput as exc:
        return fallback, f"{exc.user_message} Still showing {fallback.label}."
    return fallback, ""


def _shown_before(params: Mapping[str, str], *, today: date, newest: date) -> Period:
    try:
        if params.get("range"):
            return preset_period(params["range"], today=today)
        since, _, until = params.get("shown", "").partition("..")
        return custom_period(since, until, today=newest)
    except InvalidInput:
        return preset_period(DEFAULT, today=today)


def _read_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"“{text[:20]}” is not a date. Write it like {date(2026, 1, 31).isoformat()}."
        ) from None
