"""What a failed call says about a grant, written down at once and told to the admins once."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from integrations.meta_ads.errors import ErrorKind, MetaError, MetaTokenError
from integrations.models import Integration
from integrations.services.warnings import tell_lost
from leadmetrics.audit.log import record
from leadmetrics.crypto import CannotDecrypt
from leadmetrics.errors import LeadmetricsError
from leadmetrics.tenancy.actors import system

Trouble, Status = Integration.Trouble, Integration.Status

# Error Codes: 190 with these subcodes. 458, 460 and 467 say that the person or a security event
# withdrew the grant, 463 that its time is over; the others wait for somebody to do something.
_BY_SUBCODE = {
    458: (Status.REVOKED, Trouble.APP_REMOVED),
    459: (Status.NEEDS_RECONNECT, Trouble.CHECKPOINT),
    460: (Status.REVOKED, Trouble.PASSWORD_CHANGED),
    463: (Status.EXPIRED, ""),
    464: (Status.NEEDS_RECONNECT, Trouble.CHECKPOINT),
    467: (Status.REVOKED, Trouble.SIGNED_OUT),
    492: (Status.NEEDS_RECONNECT, Trouble.ROLE_LOST),
    493: (Status.NEEDS_RECONNECT, Trouble.DATA_ACCESS),
}
# Error Codes: an app in development mode, or one whose access level does not reach this.
_APP_OFF = (3, 270, 1885183)


def note_failure(integration: Integration, exc: MetaError) -> None:
    """Write down what a failed call says about the grant itself.

    Only a token error changes its state; a throttle, an outage or a wrong app secret says nothing
    about the person's consent.
    """
    if isinstance(exc, MetaTokenError):
        status, trouble = _BY_SUBCODE.get(exc.meta_subcode or 0, (Status.NEEDS_RECONNECT, ""))
        lose(
            integration,
            status=status,
            trouble=trouble,
            error=exc.user_message,
            details={"code": exc.meta_code, "subcode": exc.meta_subcode},
        )


def lose(
    integration: Integration,
    *,
    status: str,
    trouble: str,
    error: str,
    details: dict[str, object] | None = None,
) -> None:
    """Take the grant out of use, once, unless it was replaced meanwhile; tell the admins."""
    # What was withdrawn opens nothing any more, so there is nothing to keep.
    erased = {"api_key": ""} if status == Status.REVOKED else {}
    with transaction.atomic():
        changed = (
            Integration.objects.filter(
                pk=integration.pk, version=integration.version, status__in=Integration.USABLE
            )
            .exclude(status=status)
            .update(
                status=status,
                trouble=trouble,
                trouble_since=timezone.now(),
                last_error=error,
                lease_until=None,
                **erased,
            )
        )
        if changed:
            record(
                system(integration.tenant_id),
                "integration.lost",
                integration,
                {"status": str(status), **(details or {})},
            )
        integration.status, integration.trouble = status, trouble
        if changed:
            tell_lost(integration)


def trouble_of(exc: LeadmetricsError) -> str:
    """What kept a check from being made, when it says nothing about the consent."""
    if isinstance(exc, CannotDecrypt):
        return Trouble.UNDECRYPTABLE
    if not isinstance(exc, MetaError):
        return ""
    if exc.kind == ErrorKind.VERSION:
        return Trouble.VERSION
    if exc.meta_code in _APP_OFF or exc.meta_subcode in _APP_OFF:
        return Trouble.APP_OFF
    # Securing Graph API Requests: a wrong appsecret_proof is code 100 without a subcode, and a
    # wrong secret code 1; neither is a question for the person.
    if exc.kind == ErrorKind.CONFIGURATION or (exc.kind, exc.meta_code) == (
        ErrorKind.BAD_REQUEST,
        100,
    ):
        return Trouble.APP_SETTINGS
    return Trouble.UNREACHABLE
