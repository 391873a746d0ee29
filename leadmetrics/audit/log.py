"""Writing and verifying the audit log."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.utils import timezone

from leadmetrics.audit.models import AuditEntry
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant

_GENESIS = "0" * 64


def record(
    actor: Actor, action: str, target: models.Model, data: Mapping[str, Any] | None = None
) -> AuditEntry:
    """Append one line about ``target`` to the tenant's chain, in the caller's transaction.

    ``data`` must be JSON-able and free of secrets. Raises TransactionManagementError outside a
    transaction, because a change and its audit line stand or fall together.
    """
    # Locking the tenant's row puts the writers of one chain in line; SQLite has one writer anyway.
    Tenant.objects.select_for_update().only("pk").get(pk=actor.tenant_id)
    last = AuditEntry.objects.filter(tenant_id=actor.tenant_id).order_by("-seq").first()
    entry = AuditEntry(
        tenant_id=actor.tenant_id,
        seq=last.seq + 1 if last else 1,
        at=timezone.now(),
        actor_kind=actor.kind,
        actor_label=actor.label,
        user_id=actor.user_id,
        key_id=actor.key_id,
        action=action,
        object_type=target._meta.model_name or "",
        object_id=str(target.pk),
        data=json.loads(json.dumps(data or {}, cls=DjangoJSONEncoder)),
        prev_hash=last.hash if last else _GENESIS,
    )
    entry.hash = _hash(entry)
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("audit.log.record needs a transaction")
    entry.save(force_insert=True)
    return entry


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place where a tenant's chain does not hold."""

    seq: int
    reason: str


def verify(tenant_id: int) -> tuple[int, Broken | None]:
    """How many entries the tenant's chain has, and the first broken one, if any."""
    previous, count = _GENESIS, 0
    entries = AuditEntry.objects.filter(tenant_id=tenant_id).order_by("seq")
    for count, entry in enumerate(entries.iterator(chunk_size=1000), start=1):
        if entry.seq != count:
            return count, Broken(count, "an entry is missing")
        if entry.prev_hash != previous or entry.hash != _hash(entry):
            return count, Broken(count, "an entry was altered")
        previous = entry.hash
    return count, None


def _hash(entry: AuditEntry) -> str:
    content = [
        entry.tenant_id,
        entry.seq,
        _moment(entry.at),
        entry.actor_kind,
        entry.actor_label,
        entry.user_id,
        entry.key_id,
        entry.action,
        entry.object_type,
        entry.object_id,
        entry.data,
        entry.prev_hash,
    ]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _moment(at: datetime) -> str:
    return at.astimezone(timezone.get_fixed_timezone(0)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
