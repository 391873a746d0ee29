"""Keeping tokens alive, or saying in time that a person must reconnect.

Meta has no refresh token for people: presenting a long-lived token may extend it, or may just give
back the seconds that remain. So a refresh counts only when the read-back proves a later end.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from integrations.meta_ads import oauth
from integrations.meta_ads.errors import MetaError
from integrations.meta_ads.types import AccessToken, TokenInfo
from integrations.models import Integration
from integrations.services.clients import meta_transport, note_failure, open_token, seal_token
from integrations.services.connect import EXPIRING_WITHIN, status_for
from leadmetrics import queue
from leadmetrics.audit.log import record
from leadmetrics.tenancy.actors import system

LEASE = timedelta(seconds=90)
EXTENDED_BY = timedelta(days=1)
STAYS = (
    "Meta did not extend this connection. It works until its end; reconnect it before, so that "
    "nothing has to wait."
)


def due_integrations() -> list[Integration]:
    """Usable grants whose token ends within seven days."""
    soon = timezone.now() + EXPIRING_WITHIN
    usable = Integration.objects.filter(status__in=Integration.USABLE).exclude(api_key="")
    return [row for row in usable if row.token_expires_at and row.token_expires_at <= soon]


def refresh_due() -> int:
    """Wake one job per grant that is due, so that none waits for another; returns how many."""
    due = due_integrations()
    with transaction.atomic():
        for integration in due:
            queue.enqueue("integrations.tasks.refresh_token", integration.pk)
    return len(due)


def refresh(*, integration_id: UUID) -> None:
    """Try to extend one grant's token. Twenty workers at once make one exchange."""
    integration = _claim(integration_id)
    if integration is None:
        return
    if integration.token_expires_at and integration.token_expires_at <= timezone.now():
        _store(integration, status=Integration.Status.EXPIRED)
        return
    transport = meta_transport()
    try:
        old = open_token(integration)
        new = oauth.exchange_long_lived(transport, old).token
        info = oauth.inspect_token(transport, new)
    except MetaError as exc:
        note_failure(integration, exc)
        Integration.objects.filter(pk=integration.pk).update(lease_until=None)
        return
    if _is_extended(integration, info):
        _store(integration, token=new, info=info, status=status_for(info))
    else:
        _store(integration, status=Integration.Status.EXPIRING, error=STAYS)


def _claim(integration_id: UUID) -> Integration | None:
    now = timezone.now()
    free = Integration.objects.filter(pk=integration_id, status__in=Integration.USABLE).exclude(
        lease_until__gt=now
    )
    if not free.update(lease_until=now + LEASE):
        return None
    integration = Integration.objects.get(pk=integration_id)
    # Decide again on what is stored now: another worker may have refreshed it meanwhile.
    ends = integration.token_expires_at
    if ends is None or ends > now + EXPIRING_WITHIN:
        Integration.objects.filter(pk=integration_id).update(lease_until=None)
        return None
    return integration


def _is_extended(integration: Integration, info: TokenInfo) -> bool:
    """Same person, no permission less, and an end that is later by at least a day, or none."""
    before = integration.token_expires_at
    later = info.expires_at is None or before is None or info.expires_at >= before + EXTENDED_BY
    same = info.is_valid and info.user_id == integration.meta_user_id
    return same and later and set(integration.granted_scopes) <= set(info.scopes)


def _store(
    integration: Integration,
    *,
    status: Integration.Status,
    token: AccessToken | None = None,
    info: TokenInfo | None = None,
    error: str = "",
) -> None:
    """One conditional write: a grant that was replaced meanwhile is left alone."""
    changes: dict[str, object] = {"status": status, "last_error": error}
    if token is not None and info is not None:
        seal_token(integration, token)
        ends = info.expires_at.isoformat() if info.expires_at else None
        changes |= {
            "api_key": integration.api_key,
            "metadata": {**integration.metadata, "tokenExpiresAt": ends},
            "data_access_expires_at": info.data_access_expires_at,
            "version": integration.version + 1,
        }
    with transaction.atomic():
        current = Integration.objects.filter(pk=integration.pk, version=integration.version)
        changed = current.update(**changes, lease_until=None, last_checked_at=timezone.now())
        if changed and (token is not None or status != integration.status):
            record(
                system(integration.tenant_id),
                "integration.refreshed" if token is not None else "integration.not_extended",
                integration,
                {"status": status},
            )
