"""Which days an insights query means, and how they are grouped into rows."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from integrations.sandbox.errors import GraphError, invalid

HISTORY_MONTHS = 37
Period = tuple[date, date]


def periods(params: Mapping[str, Any], today: date) -> list[Period]:
    """The (first, last) day of each row group. Raises 100, or 3018 beyond 37 months."""
    if "time_ranges" in params:
        found = [_range("time_ranges", item) for item in params["time_ranges"]]
        _check_history(found, today)
        return found
    if "time_range" in params:
        whole = _range("time_range", params["time_range"])
    else:
        whole = preset(params.get("date_preset", "last_30d"), today)
    _check_history([whole], today)
    return _split(whole, str(params.get("time_increment", "all_days")))


def _range(name: str, value: Mapping[str, Any]) -> Period:
    try:
        since = date.fromisoformat(str(value["since"]))
        until = date.fromisoformat(str(value["until"]))
    except (KeyError, ValueError):
        raise invalid(f"Param {name} must hold since and until as YYYY-MM-DD.", name) from None
    if since > until:
        raise invalid("since must not be after until.", name)
    return since, until


def _check_history(found: list[Period], today: date) -> None:
    oldest = months_back(today, HISTORY_MONTHS)
    if any(since < oldest for since, _ in found):
        raise GraphError(
            3018,
            "(#3018) The start date of the time range cannot be beyond 37 months from the "
            "current date",
        )


def months_back(day: date, months: int) -> date:
    """The same day of an earlier month, or that month's last day."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _split(whole: Period, increment: str) -> list[Period]:
    since, until = whole
    if increment == "all_days":
        return [whole]
    if increment == "monthly":
        return _months(since, until)
    if not increment.isdigit() or not 1 <= int(increment) <= 90:
        raise invalid("Param time_increment must be 1-90, monthly or all_days.", "time_increment")
    step = int(increment)
    found = []
    while since <= until:
        found.append((since, min(since + timedelta(days=step - 1), until)))
        since += timedelta(days=step)
    return found


def _months(since: date, until: date) -> list[Period]:
    found = []
    while since <= until:
        last = since.replace(day=monthrange(since.year, since.month)[1])
        found.append((since, min(last, until)))
        since = last + timedelta(days=1)
    return found


def preset(name: str, today: date) -> Period:
    """A named range; `last_Nd` ends yesterday."""
    yesterday = today - timedelta(days=1)
    if name.startswith("last_") and name.endswith("d") and name[5:-1].isdigit():
        return today - timedelta(days=int(name[5:-1])), yesterday
    month, quarter = (
        today.replace(day=1),
        today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1),
    )
    year = today.replace(month=1, day=1)
    monday = today - timedelta(days=today.weekday())
    sunday = today - timedelta(days=(today.weekday() + 1) % 7)
    week, day = timedelta(days=7), timedelta(days=1)
    known = {
        "today": (today, today),
        "yesterday": (yesterday, yesterday),
        "this_month": (month, today),
        "last_month": (months_back(month, 1), month - day),
        "this_quarter": (quarter, today),
        "last_quarter": (months_back(quarter, 3), quarter - day),
        "this_year": (year, today),
        "last_year": (year.replace(year=year.year - 1), year - day),
        "this_week_mon_today": (monday, today),
        "last_week_mon_sun": (monday - week, monday - day),
        "this_week_sun_today": (sunday, today),
        "last_week_sun_sat": (sunday - week, sunday - day),
        "maximum": (months_back(today, HISTORY_MONTHS), today),
        "data_maximum": (months_back(today, HISTORY_MONTHS), today),
    }
    if name not in known:
        raise invalid(f"The date preset {name} is not available.", "date_preset")
    return known[name]
