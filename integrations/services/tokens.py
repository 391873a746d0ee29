"""Keeping tokens alive, or saying in time that a person must reconnect.

Meta has no refresh token for people: presenting a long-lived token may extend it, or may just give
back the seconds that remain. So a refresh counts only when the read-back proves a later end.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from integrations.meta_ads import oauth
from integrations.meta_ads.errors import MetaTokenError
from integrations.meta_ads.types import AccessToken, TokenInfo
from integrations.models import Integration
from integrations.services.clients import meta_transport, note_failure, open_token, seal_token
from integrations.services.connect import EXPIRING_WITHIN, status_for
from leadmetrics import queue
from leadmetrics.audit.log import record
from leadmetrics.errors import LeadmetricsError
from leadmetrics.tenancy.actors import system

LEASE = timedelta(seconds=90)
EXTENDED_BY = timedelta(days=1)
# One try a day, and four a day when it gets urgent: a day without Meta must not cost the grant.
# A little less than the figures, so that a schedule at the same hour finds the grant due again.
NEXT_TRY, NEXT_TRY_URGENT = timedelta(hours=23), timedelta(hours=5)
URGENT = timedelta(days=2)
STAYS = (
    "Meta did not extend this connection. It works until its end; reconnect it before, so that "
    "nothing has to wait."
)
ENDED = "The connection has ended. Reconnect it; approved ads and reports wait until then."


def due_integrations() -> list[Integration]:
    """Usable grants whose token ends within seven days and that were not tried just now."""
    now = timezone.now()
    usable = Integration.objects.filter(status__in=Integration.USABLE).exclude(api_key="")
    return [row for row in usable.select_related("tenant") if _is_due(row, now)]


def refresh_due() -> int:
    """Wake one job per grant that is due, so that none waits for another; returns how many."""
    due = due_integrations()
    with transaction.atomic():
        for integration in due:
            queue.enqueue("integrations.tasks.refresh_token", integration.pk)
    return len(due)


def refresh(*, integration_id: UUID) -> None:
    """Try to extend one grant's token. Twenty workers at once make one exchange.

    Never raises for what Meta or the vault says: that is written down on the grant.
    """
    integration = _claim(integration_id)
    if integration is None:
        return
    ends = integration.token_expires_at
    if ends is not None and ends <= timezone.now():
        _store(integration, status=Integration.Status.EXPIRED, error=ENDED)
        return
    try:
        new, info = _exchange(integration)
    except MetaTokenError as exc:
        note_failure(integration, exc)
        Integration.objects.filter(pk=integration.pk).update(lease_until=None)
    except LeadmetricsError as exc:
        _store(integration, status=Integration.Status.EXPIRING, error=exc.user_message)
    else:
        if _is_extended(integration, info):
            _store(integration, token=new, info=info, status=status_for(info))
        else:
            _store(integration, status=Integration.Status.EXPIRING, error=STAYS)


def _exchange(integration: Integration) -> tuple[AccessToken, TokenInfo]:
    """What the exchange gave, and what Meta says of it. Raises MetaError, CannotDecrypt."""
    transport = meta_transport()
    new = oauth.exchange_long_lived(transport, open_token(integration)).token
    return new, oauth.inspect_token(transport, new)


def _is_due(integration: Integration, now: datetime) -> bool:
    ends, tried = integration.token_expires_at, integration.last_checked_at
    if ends is None or ends > now + EXPIRING_WITHIN:
        return False
    pause = NEXT_TRY_URGENT if ends <= now + URGENT else NEXT_TRY
    return tried is None or tried <= now - pause or ends <= now


def _claim(integration_id: UUID) -> Integration | None:
    """The grant under a lease, read anew: another worker may have refreshed it meanwhile."""
    now = timezone.now()
    free = (
        Integration.objects.filter(pk=integration_id, status__in=Integration.USABLE)
        .exclude(api_key="")
        .exclude(lease_until__gt=now)
    )
    if not free.update(lease_until=now + LEASE):
        return None
    integration = Integration.objects.get(pk=integration_id)
    if not _is_due(integration, now):
        Integration.objects.filter(pk=integration_id).update(lease_until=None)
        return None
    return integration


def _is_extended(integration: Integration, info: TokenInfo) -> bool:
    """Same app and person, no permission less, and an end at least a day later, or none."""
    before = integration.token_expires_at
    later = info.expires_at is None or before is None or info.expires_at >= before + EXTENDED_BY
    same = info.user_id == integration.meta_user_id and info.app_id == settings.META_APP_ID
    keeps = set(integration.granted_scopes) <= set(info.scopes)
    return info.is_valid and same and keeps and later


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
        current = Integration.objects.filter(
            pk=integration.pk, version=integration.version, status__in=Integration.USABLE
        )
        changed = current.update(**changes, lease_until=None, last_checked_at=timezone.now())
        if changed and (token is not None or status != integration.status):
            record(
                system(integration.tenant_id),
                _action(token, status),
                integration,
                {"person": integration.meta_user_name, "status": status},
            )


def _action(token: AccessToken | None, status: Integration.Status) -> str:
    if token is not None:
        return "integration.refreshed"
    if status == Integration.Status.EXPIRED:
        return "integration.lost"
    return "integration.not_extended"
