"""Sealing every stored token anew with the first of ENCRYPTION_KEYS, while the product runs."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from integrations.models import Integration
from integrations.services.clients import open_token, seal_token
from leadmetrics import crypto
from leadmetrics.crash_points import reached

BATCH = 500


@dataclass(slots=True)
class Rekeyed:
    """How far it came: sealed anew, changed by somebody meanwhile, impossible to open."""

    done: int = 0
    overtaken: int = 0
    unreadable: int = 0


def rekey_tokens() -> Rekeyed:
    """One pass over all grants. Repeatable and resumable: what has the new key is left alone."""
    result, after = Rekeyed(), None
    while rows := _next(after):
        # One commit for the batch: a hundred thousand commits would take minutes.
        with transaction.atomic():
            for row in rows:
                _rekey(row, result)
        reached("rekey.committed")
        after = rows[-1].pk
    return result


def tokens_under_old_keys() -> int:
    """How many stored tokens the first key does not open."""
    sealed = Integration.objects.exclude(api_key="")
    return sealed.exclude(api_key__startswith=crypto.current_prefix()).count()


def _next(after: UUID | None) -> list[Integration]:
    rows = Integration.objects.exclude(api_key="").order_by("pk")
    return list((rows.filter(pk__gt=after) if after else rows)[:BATCH])


def _rekey(row: Integration, result: Rekeyed) -> None:
    before = row.api_key
    if before.startswith(crypto.current_prefix()):
        return
    try:
        token = open_token(row)
    except crypto.CannotDecrypt:
        result.unreadable += 1
        return
    seal_token(row, token)
    reached("rekey.sealed")
    # A refresh or a reconnect in between wins; it sealed with the new key already.
    changed = Integration.objects.filter(pk=row.pk, api_key=before).update(api_key=row.api_key)
    result.done += changed
    result.overtaken += not changed
