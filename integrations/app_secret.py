"""Whether the previous app secret is still needed, so that an operator knows when to remove it.

During a rotation ``META_APP_SECRET_PREVIOUS`` stands beside the new secret. Each use of it is
logged and remembered; once Meta takes the new one everywhere, none comes any more.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

logger = logging.getLogger(__name__)

_LAST = "meta-app-secret-previous-used"
_KEEP = 30 * 24 * 3600  # seconds
# Every grant is looked at once a day, so two quiet days have asked everything of Meta.
QUIET = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Rotation:
    """How a rotation of the app secret stands, and what the operator does next."""

    text: str
    next_step: str


def note_previous(what: str) -> None:
    """Log and remember that the current secret was refused and the previous one taken."""
    logger.warning("Meta refused the current app secret and took the previous one: %s", what)
    cache.set(_LAST, timezone.now(), _KEEP)


def rotation(now: datetime | None = None) -> Rotation | None:
    """How far the rotation is; None when none goes on."""
    if not settings.META_APP_SECRET_PREVIOUS:
        return None
    if settings.META_APP_SECRET_PREVIOUS == settings.META_APP_SECRET:
        return Rotation("Both app secrets are the same.", "Set the new one as META_APP_SECRET.")
    now, last = now or timezone.now(), cache.get(_LAST)
    if last is None or last < now - QUIET:
        since = f"since {last:%Y-%m-%d %H:%M} UTC" if last else "in the last 30 days, if at all"
        said = f"The previous app secret was not needed {since}."
        return Rotation(said, "After two such days remove META_APP_SECRET_PREVIOUS and restart.")
    said = f"The previous app secret was needed last at {last:%Y-%m-%d %H:%M} UTC."
    return Rotation(said, "Keep META_APP_SECRET_PREVIOUS; see in the app dashboard which is valid.")
