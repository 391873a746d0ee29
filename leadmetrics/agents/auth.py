"""Who comes in with a key, and how often they may."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

from django.utils import timezone

from leadmetrics.agents.models import AgentKey
from leadmetrics.tenancy.actors import Actor, ActorKind
from leadmetrics.tenancy.services import within_limit

KEY_START = "lm_"
REQUESTS_PER_MINUTE = 60
PROPOSALS_PER_DAY = 2000
_LONGEST = 100
_NOTE_USE_EVERY = timedelta(minutes=1)


def hash_key(secret: str) -> str:
    """What we store of a key. 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def authenticate(bearer: str) -> tuple[AgentKey, Actor] | None:
    """The live key with this secret and the actor it speaks for; None for every other text.

    Looking up by hash tells nobody how much of a guess was right.
    """
    if not bearer.startswith(KEY_START) or len(bearer) > _LONGEST:
        return None
    wanted = hash_key(bearer)
    key = AgentKey.objects.select_related("tenant").filter(key_hash=wanted).first()
    if key is None or not hmac.compare_digest(key.key_hash, wanted):
        return None
    now = timezone.now()
    if key.revoked_at is not None or key.expires_at <= now:
        return None
    if key.last_used_at is None or key.last_used_at <= now - _NOTE_USE_EVERY:
        AgentKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key, Actor(ActorKind.AGENT, key.name, key.tenant_id, key_id=key.pk)


def allow(key: AgentKey, cost: int = 1) -> bool:
    """Whether this key may make ``cost`` more requests in this minute; counts them."""
    return within_limit(f"key:{key.pk}", limit=REQUESTS_PER_MINUTE, seconds=60, cost=cost)


def allow_proposals(key: AgentKey, count: int) -> bool:
    """Whether this key may propose ``count`` more variants today (UTC); counts them."""
    return within_limit(
        f"proposals:{key.pk}", limit=PROPOSALS_PER_DAY, seconds=24 * 3600, cost=count
    )
