"""Keeping tokens alive, or saying in time that a person must reconnect.

Meta has no refresh token for people: presenting a long-lived token may extend it, or may just give
back the seconds that remain. So a refresh counts only when the read-back proves a later end. Every
other grant is asked about once a day, so that what happened at Facebook is known within a day.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from integrations.meta_ads import oauth
from integrations.meta_ads.errors import ErrorKind, MetaError, MetaTokenError
from integrations.meta_ads.types import AccessToken, TokenInfo
from integrations.models import Integration
from integrations.services.clients import meta_transport, open_token, seal_token
from integrations.services.connect import SYSTEM_USER, status_for
from integrations.services.due import Step, due_integrations, looked_after, step_for
from integrations.services.failures import lose, note_failure, trouble_of
from integrations.token_states import SOON
from leadmetrics import queue
from leadmetrics.audit.log import record
from leadmetrics.errors import LeadmetricsError
from leadmetrics.tenancy.actors import system

logger = logging.getLogger(__name__)

Trouble, Status = Integration.Trouble, Integration.Status
LEASE = timedelta(seconds=90)
EXTENDED_BY = timedelta(days=1)
# How far our clock and Meta's may differ before somebody should set ours. Meta's counts.
CLOCKS_AGREE = timedelta(minutes=5)
# Error Codes: 1 is an unknown error, and what the exchange answers to a wrong app secret.
UNKNOWN_OR_SECRET = 1
STAYS = (
    "Meta did not extend this connection. It works until its end; reconnect it before, so that "
    "nothing has to wait."
)
ENDED = "The connection has ended. Reconnect it; approved ads and reports wait until then."
DATA_ENDED = "Facebook closed the access to data after 90 days without a sign-in. Reconnect it."
NOT_THEIRS = "Facebook says that this access belongs to somebody else or to another app."


def refresh_due() -> int:
    """Wake one job per grant that is due, so that none waits for another; returns how many."""
    due = due_integrations()
    with transaction.atomic():
        for integration in due:
            queue.enqueue("integrations.tasks.refresh_token", integration.pk)
    return len(due)


def refresh(*, integration_id: UUID) -> None:
    """Look at one grant and extend it if its last week has begun. Twenty workers at once ask once.

    Never raises for what Meta or the vault says: that is written down on the grant.
    """
    claimed = _claim(integration_id)
    if claimed is None:
        return
    integration, step = claimed
    if step == Step.MARK_ENDED:
        _end(integration)
        return
    try:
        _extend(integration) if step == Step.EXCHANGE else _probe(integration)
    except MetaTokenError as exc:
        note_failure(integration, exc)
        _looked(integration)
    except LeadmetricsError as exc:
        _store(integration, trouble=trouble_of(exc), error=exc.user_message)


def _extend(integration: Integration) -> None:
    """Raises MetaError, CannotDecrypt."""
    transport, asked_at = meta_transport(), timezone.now()
    token = open_token(integration)
    try:
        grant = oauth.exchange_long_lived(
            transport, token, is_system_user=integration.is_system_user
        )
    except MetaError as exc:
        if exc.meta_code == UNKNOWN_OR_SECRET:
            oauth.inspect_token(transport, token)  # says so if it is the secret
        raise
    info = oauth.inspect_token(transport, grant.token)
    if grant.expires_in is not None and info.expires_at is not None:
        _compare_clocks(asked_at + timedelta(seconds=grant.expires_in), info.expires_at)
    if _is_extended(integration, info):
        _store(integration, token=grant.token, info=info)
    else:
        # The scopes are the person's and the app's, so the token we keep has lost them, too.
        scopes = info.scopes if info.is_valid and _is_theirs(integration, info) else None
        _store(integration, scopes=scopes, trouble=Trouble.NOT_EXTENDED, error=STAYS)


def _end(integration: Integration) -> None:
    """Over by our clock. Meta exchanges no ended token, but its clock counts: it may still run."""
    try:
        info = oauth.inspect_token(meta_transport(), open_token(integration))
    except LeadmetricsError:
        info = None
    if info is None or not info.is_valid or not _is_theirs(integration, info):
        lose(integration, status=Status.EXPIRED, trouble="", error=ENDED)
        _looked(integration)
        return
    if info.expires_at is not None and info.expires_at <= timezone.now():
        logger.warning("this machine's clock is ahead of Meta's, which still takes a token")
    _store(integration, info=info)


def _probe(integration: Integration) -> None:
    """What Meta says of the token as it is. Raises MetaError, CannotDecrypt."""
    info = oauth.inspect_token(meta_transport(), open_token(integration))
    if not info.is_valid:
        raise MetaTokenError(
            ErrorKind.RECONNECT, code=info.error_code or 190, subcode=info.error_subcode
        )
    data_ends, trouble, error = info.data_access_expires_at, "", ""
    if not _is_theirs(integration, info):
        trouble, error = Trouble.WRONG_PERSON, NOT_THEIRS
    elif data_ends is not None and data_ends <= timezone.now():
        trouble, error = Trouble.DATA_ACCESS, DATA_ENDED
    if trouble:
        lose(integration, status=Status.NEEDS_RECONNECT, trouble=trouble, error=error)
        _looked(integration)
    else:
        _store(integration, info=info)


def _looked(integration: Integration) -> None:
    Integration.objects.filter(pk=integration.pk, version=integration.version).update(
        lease_until=None, last_checked_at=timezone.now()
    )


def _claim(integration_id: UUID) -> tuple[Integration, Step] | None:
    """The grant under a lease, read anew: another worker may have refreshed it meanwhile."""
    now = timezone.now()
    # A lease that ends much later than any can was taken while the clock was ahead.
    held = {"lease_until__gt": now, "lease_until__lte": now + 2 * LEASE}
    free = looked_after().filter(pk=integration_id).exclude(**held)
    if not free.update(lease_until=now + LEASE):
        return None
    integration = Integration.objects.select_related("tenant").get(pk=integration_id)
    step = step_for(integration, now)
    if step is None:
        Integration.objects.filter(pk=integration_id).update(lease_until=None)
        return None
    return integration, step


def _is_theirs(integration: Integration, info: TokenInfo) -> bool:
    return info.user_id == integration.meta_user_id and info.app_id == settings.META_APP_ID


def _is_extended(integration: Integration, info: TokenInfo) -> bool:
    """Same app and person, no permission less, and an end at least a day later, or none."""
    before = integration.token_expires_at
    later = info.expires_at is None or before is None or info.expires_at >= before + EXTENDED_BY
    keeps = set(integration.granted_scopes) <= set(info.scopes)
    return info.is_valid and _is_theirs(integration, info) and keeps and later


def _compare_clocks(ours: datetime, metas: datetime) -> None:
    if abs(ours - metas) > CLOCKS_AGREE:
        logger.warning(
            "this machine's clock differs from Meta's by %d s; Meta's is used",
            (ours - metas).total_seconds(),
        )


def _store(
    integration: Integration,
    *,
    token: AccessToken | None = None,
    info: TokenInfo | None = None,
    scopes: Sequence[str] | None = None,
    trouble: str = "",
    error: str = "",
) -> None:
    """One conditional write: a grant that was replaced meanwhile is left alone."""
    now, changes = timezone.now(), dict[str, object]()
    if info is not None:
        changes |= _read_back(integration, info)
    if scopes is not None:
        changes |= _scopes(integration, scopes)
    if token is not None:
        seal_token(integration, token)
        changes |= {"api_key": integration.api_key, "version": integration.version + 1}
    elif error and integration.status in Integration.USABLE:
        changes["status"] = _status_by_clock(integration, now)
    since = integration.trouble_since if trouble == integration.trouble else now
    with transaction.atomic():
        current = Integration.objects.filter(
            pk=integration.pk, version=integration.version, status=integration.status
        )
        changed = current.update(
            **changes,
            trouble=trouble,
            trouble_since=since if trouble else None,
            last_error=error,
            lease_until=None,
            last_checked_at=now,
        )
        if changed:
            _record(integration, changes, token is not None, trouble)


def _read_back(integration: Integration, info: TokenInfo) -> dict[str, object]:
    ends = info.expires_at.isoformat() if info.expires_at else None
    return {
        **_scopes(integration, info.scopes),
        "status": status_for(info),
        "metadata": {**integration.metadata, "tokenExpiresAt": ends},
        "data_access_expires_at": info.data_access_expires_at,
        "is_system_user": info.type == SYSTEM_USER,
    }


def _scopes(integration: Integration, scopes: Sequence[str]) -> dict[str, object]:
    # public_profile comes with every grant; it stays where it was noted at connecting.
    kept = set(scopes) - ({"public_profile"} - set(integration.granted_scopes))
    return {
        "granted_scopes": sorted(kept),
        "declined_scopes": [name for name in settings.META_SCOPES if name not in kept],
    }


def _status_by_clock(integration: Integration, now: datetime) -> Integration.Status:
    ends = integration.works_until
    is_soon = ends is not None and ends <= now + SOON
    return Status.EXPIRING if is_soon else Status.CONNECTED


def _record(
    integration: Integration, changes: dict[str, object], is_new: bool, trouble: str
) -> None:
    """An audit line for what an admin would want to know, not for each day without news."""
    kept: Any = changes.get("granted_scopes", integration.granted_scopes)
    lost = sorted(set(integration.granted_scopes) - set(kept))
    status = str(changes.get("status", integration.status))
    details: dict[str, object] = {"person": integration.meta_user_name, "status": status}
    if lost:
        details["scopes"] = lost
    if is_new:
        action = "integration.refreshed"
    elif trouble and trouble != integration.trouble:
        is_kept = trouble == Trouble.NOT_EXTENDED
        action = "integration.not_extended" if is_kept else "integration.not_checked"
    elif "scopes" in details:
        action = "integration.scopes_lost"
    elif status in Integration.USABLE and integration.status not in Integration.USABLE:
        action = "integration.works_again"
    else:
        return
    record(system(integration.tenant_id), action, integration, details)
