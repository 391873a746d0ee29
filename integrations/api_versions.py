"""Until when Meta answers a version of its API, and what its answers have said about ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

# Marketing API, Changelog, Available Versions. None: no end announced.
ENDS: dict[str, date | None] = {
    "v19.0": date(2025, 2, 4),
    "v20.0": date(2025, 5, 6),
    "v21.0": date(2025, 9, 9),
    "v22.0": date(2026, 2, 19),
    "v23.0": date(2026, 6, 9),
    "v24.0": date(2026, 10, 6),
    "v25.0": None,
    "v26.0": None,
}
NEWEST = "v26.0"
# People are told at these distances, each once; after the end every week.
DAYS_BEFORE = (90, 30, 7)
SOON = timedelta(days=max(DAYS_BEFORE))
_SEEN = "meta-api-version-seen"
_KEEP = 30 * 24 * 3600  # seconds


@dataclass(frozen=True, slots=True)
class VersionProblem:
    """Something about the version that an operator should act on; ``key`` names the occasion."""

    key: str
    text: str
    next_step: str
    has_ended: bool = False


def version_in_words(today: date | None = None) -> str:
    """Which version is asked and until when Meta answers it."""
    asked, today = settings.META_API_VERSION, today or timezone.now().date()
    if asked not in ENDS:
        return f"Meta's API {asked}: no version that we know."
    ends = ENDS[asked]
    if ends is None:
        return f"Meta's API {asked}: Meta has announced no end."
    return f"Meta's API {asked} {'has ended' if ends <= today else 'ends'} on {_day(ends)}."


def version_problem(today: date | None = None) -> VersionProblem | None:
    """The worst that is known about the version in use; None when there is nothing to do."""
    return next(version_problems(today), None)


def version_problems(today: date | None = None) -> Iterator[VersionProblem]:
    """All that is known, the worst first: its end by our calendar, then what answers said."""
    asked, today = settings.META_API_VERSION, today or timezone.now().date()
    step = f"The operator sets META_API_VERSION={NEWEST} and restarts."
    if asked not in ENDS:
        yield VersionProblem("unknown", f"{asked} is no version of Meta's that we know.", step)
        return
    ends = ENDS[asked]
    if ends is not None and ends <= today:
        said = f"Meta's API {asked} has ended on {_day(ends)}: calls are refused."
        yield VersionProblem(f"ended:{(today - ends).days // 7}", said, step, has_ended=True)
    elif ends is not None and ends <= today + SOON:
        days = min(days for days in DAYS_BEFORE if ends <= today + timedelta(days=days))
        yield VersionProblem(f"ends:{days}", f"Meta's API {asked} ends on {_day(ends)}.", step)
    answered, warned = cache.get(_SEEN, {}).get(asked, ("", False))
    if answered and answered != asked:
        said = f"We ask Meta's API {asked}, but {answered} answers; figures may differ."
        yield VersionProblem(f"answered:{answered}", said, step)
    if warned:
        yield VersionProblem("warned", f"Meta warns that its API {asked} is going to end.", step)


def note_answer(answered: str, warning: str) -> bool:
    """Keep what an answer said of the version, for all processes; True when it is news.

    Only what differs is kept, and never Meta's own words.
    """
    asked = settings.META_API_VERSION
    if (not answered or answered == asked) and not warning:
        return False
    seen = cache.get(_SEEN, {})
    fact = (answered or asked, bool(warning))
    if seen.get(asked) == fact:
        return False
    cache.set(_SEEN, {**seen, asked: fact}, _KEEP)
    return True


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
