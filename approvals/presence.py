"""Who else has an ad open. Soft: it lives in the cache, blocks nobody, and may be wrong."""

from __future__ import annotations

import time
from uuid import UUID

from django.core.cache import cache

from leadmetrics.tenancy.models import User

SECONDS = 5 * 60


def others_here(variant_id: UUID, user: User, *, came: bool) -> list[str]:
    """First names of those who opened this ad within five minutes, apart from ``user``.

    With ``came`` the person is noted, too.
    """
    key, now = f"presence:{variant_id}", time.time()
    known: dict[int, tuple[str, float]] = cache.get(key) or {}
    here = {pk: (name, at) for pk, (name, at) in known.items() if now - at < SECONDS}
    if came:
        cache.set(key, {**here, user.pk: (user.get_short_name(), now)}, timeout=SECONDS)
    return sorted(name for pk, (name, _) in here.items() if pk != user.pk)
