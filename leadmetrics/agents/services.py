"""Making and revoking agents' keys."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from leadmetrics.agents.auth import KEY_START, hash_key
from leadmetrics.agents.models import AgentKey
from leadmetrics.audit.log import record
from leadmetrics.errors import InvalidInput, NotFound, StateConflict
from leadmetrics.tenancy.actors import Actor, require_role
from leadmetrics.tenancy.models import Role

LIFETIME = timedelta(days=90)
_PREFIX = 10


def create_key(*, actor: Actor, name: str) -> tuple[AgentKey, str]:
    """A new key and its secret (``lm_`` and 256 random bits), which exists nowhere else.

    Raises NotFound, NotAllowed, and InvalidInput without a name.
    """
    name = name.strip()
    if not name or len(name) > 80:
        raise InvalidInput("Give the key a name of up to 80 characters, like “Copy agent”.")
    secret = KEY_START + secrets.token_urlsafe(32)
    with transaction.atomic():
        membership = require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
        key = AgentKey.objects.create(
            tenant_id=actor.tenant_id,
            name=name,
            prefix=secret[:_PREFIX],
            key_hash=hash_key(secret),
            created_by_id=membership.user_id,
            expires_at=timezone.now() + LIFETIME,
        )
        record(
            actor,
            "key.created",
            key,
            {"name": key.name, "prefix": key.prefix, "expires_at": key.expires_at},
        )
    return key, secret


def revoke_key(*, actor: Actor, key_id: int) -> AgentKey:
    """End a key at once. Raises NotFound, NotAllowed, StateConflict if it already ended."""
    with transaction.atomic():
        require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
        key = (
            AgentKey.objects.select_for_update()
            .filter(pk=key_id, tenant_id=actor.tenant_id)
            .first()
        )
        if key is None:
            raise NotFound
        if key.revoked_at is not None:
            raise StateConflict(f"The key “{key.name}” was revoked before.")
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
        record(actor, "key.revoked", key, {"name": key.name, "prefix": key.prefix})
    return key
