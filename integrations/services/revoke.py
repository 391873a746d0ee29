"""Withdrawing a grant at Meta after it was disconnected here.

The person's token is gone by then, so the app asks in its own name. Which permissions Meta still
holds for a disconnected grant is in ``granted_scopes``; none left means that it is done.

After a restore it waits until somebody has reconciled: the person may have connected anew since
the backup was made, and withdrawing would end that grant.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from integrations.meta_ads import oauth
from integrations.meta_ads.errors import MetaError
from integrations.models import Integration
from integrations.services.clients import meta_transport
from integrations.waiting import why_to_hold
from leadmetrics import queue
from leadmetrics.audit.log import record
from leadmetrics.tenancy.actors import system

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)


def revoke_due() -> None:
    """Wake one job per disconnected grant that Meta still holds, for a day after it was left."""
    if why_to_hold():
        return
    with transaction.atomic():
        for integration in _pending(timezone.now()):
            queue.enqueue("integrations.tasks.revoke_grant", integration.pk)


def revoke(*, integration_id: UUID) -> None:
    """Take the app's permissions back at Meta. Repeatable; a failure is left for the next job."""
    if why_to_hold():
        return
    now = timezone.now()
    # A lease that ends much later than any can was taken while the clock was ahead.
    held = {"lease_until__gt": now, "lease_until__lte": now + 2 * LEASE}
    free = _pending(now).filter(pk=integration_id).exclude(**held)
    if not free.update(lease_until=now + LEASE):
        return
    integration = Integration.objects.get(pk=integration_id)
    withdrawn = not _is_used_elsewhere(integration)
    if withdrawn:
        try:
            oauth.withdraw(meta_transport(), integration.meta_user_id)
        except MetaError as exc:
            logger.warning("grant %s could not be withdrawn at Meta: %s", integration.pk, exc.code)
            return
    with transaction.atomic():
        left = Integration.objects.filter(
            pk=integration.pk,
            version=integration.version,
            status=Integration.Status.DISCONNECTED,
        )
        if left.update(granted_scopes=[], declined_scopes=[], lease_until=None) and withdrawn:
            record(
                system(integration.tenant_id),
                "integration.withdrawn",
                integration,
                {"person": integration.meta_user_name},
            )


def _pending(now: datetime) -> QuerySet[Integration]:
    return Integration.objects.filter(
        status=Integration.Status.DISCONNECTED,
        last_checked_at__gt=now - Integration.WITHDRAW_WITHIN,
    ).exclude(granted_scopes=[])


def _is_used_elsewhere(integration: Integration) -> bool:
    """Whether the same person's grant lives on in another tenant: withdrawing would end it too."""
    return (
        Integration.objects.filter(
            provider=integration.provider,
            meta_user_id=integration.meta_user_id,
            status__in=Integration.USABLE,
        )
        .exclude(pk=integration.pk)
        .exists()
    )
