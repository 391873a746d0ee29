"""What Meta tells us of a person by itself: the app was removed, or their data must go.

Both come signed with the app secret. A request that comes twice changes nothing more, and one that
was signed before the person connected again says nothing about the new grant.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from integrations.deletion_models import DataDeletion
from integrations.meta_ads import oauth
from integrations.meta_ads.errors import ErrorKind, MetaError
from integrations.meta_ads.parse import read_id, read_moment
from integrations.models import Integration
from integrations.services.clients import meta_config
from integrations.services.runs import stop_runs
from integrations.services.warnings import tell_lost
from leadmetrics.audit.log import record
from leadmetrics.errors import LeadmetricsError
from leadmetrics.tenancy.actors import system

LONGEST = 4_000  # characters; a real one has some 200
AHEAD = timedelta(minutes=5)
NOBODY = "Deleted Facebook user"


class AppRemoved(LeadmetricsError):
    """Why a run ended: the person took the app away at Facebook."""

    code = "app_removed"
    user_message = "Stopped, because the person removed the app at Facebook."


def deauthorize(signed_request: str) -> int:
    """Erase the person's tokens; returns how many grants. Raises MetaError for a forged request."""
    person, issued_at = _read(signed_request)
    with transaction.atomic():
        return len([row for row in _of(person, issued_at) if _revoke(row)])


def delete_data(signed_request: str) -> DataDeletion:
    """Erase tokens, name and Meta id of the person; what the workspace did stays in its log.

    The same request again gives the same confirmation. Raises MetaError for a forged one.
    """
    person, issued_at = _read(signed_request)
    digest = hashlib.sha256(f"{person}|{issued_at.timestamp():.0f}".encode()).hexdigest()
    with transaction.atomic():
        deletion, is_new = DataDeletion.objects.get_or_create(
            digest=digest, defaults={"code": secrets.token_hex(10)}
        )
        if is_new:
            rows = _of(person, issued_at)
            for row in rows:
                _revoke(row)
                _forget(row)
            deletion.connections = len(rows)
            deletion.save(update_fields=["connections"])
    return deletion


def _read(signed_request: str) -> tuple[str, datetime]:
    if len(signed_request) > LONGEST:
        raise MetaError(ErrorKind.BAD_REQUEST)
    data = oauth.parse_signed_request(meta_config(), signed_request)
    person, issued_at = read_id(data.get("user_id")), read_moment(data.get("issued_at"))
    if issued_at is None or issued_at > timezone.now() + AHEAD:
        raise MetaError(ErrorKind.BAD_REQUEST)
    return person, issued_at


def _of(person: str, issued_at: datetime) -> list[Integration]:
    """The person's grants in all tenants, locked; those given after the request was signed stay."""
    # Meta signs whole seconds; a grant of the same second is taken as the older one.
    return list(
        Integration.objects.select_for_update()
        .filter(meta_user_id=person, connected_at__lt=issued_at + timedelta(seconds=1))
        .order_by("pk")
    )


def _revoke(integration: Integration) -> bool:
    """Erase the token. Meta dropped the permissions already, so none is left to withdraw."""
    was_left = integration.status == Integration.Status.DISCONNECTED
    if not integration.api_key and not integration.granted_scopes:
        return False
    integration.api_key = integration.last_error = ""
    integration.granted_scopes = []
    integration.lease_until = None
    integration.version += 1
    if not was_left:
        integration.status = Integration.Status.REVOKED
        integration.trouble = Integration.Trouble.APP_REMOVED
        integration.trouble_since = timezone.now()
    integration.save()
    if not was_left:
        stop_runs(integration, AppRemoved())
        record(
            system(integration.tenant_id),
            "integration.lost",
            integration,
            {"status": str(integration.status), "code": "deauthorized"},
        )
        tell_lost(integration)
    return True


def _forget(integration: Integration) -> None:
    integration.meta_user_id = f"deleted{integration.pk.hex[:20]}"
    integration.meta_user_name = NOBODY
    integration.save(update_fields=["meta_user_id", "meta_user_name"])
    record(system(integration.tenant_id), "integration.deleted_data", integration, {})
