"""Telling people by mail, each occasion once.

The row is written with the change it tells of; a job sends it after the commit, and a sweep finds
what no job sent. A worker that dies between sending and recording may send one mail twice: better
twice than never.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from leadmetrics import queue
from leadmetrics.notices.models import Notice
from leadmetrics.tenancy.models import Membership, Tenant, User

logger = logging.getLogger(__name__)

_WAITS = [timedelta(minutes=minutes) for minutes in (2, 10, 60, 240, 720)]
_AT_ONCE = 50
_KEEP = timedelta(days=400)


def notify(
    *, tenant: Tenant, users: Iterable[User], key: str, subject: str, body: str, path: str = ""
) -> int:
    """Tell each person once per ``key``; returns how many are told now.

    ``path`` is the page below the site that the mail leads to. Written in the caller's
    transaction: a change that rolls back tells nobody.
    """
    return _write(tenant, users, key, subject, body, path)


def notify_operators(*, key: str, subject: str, body: str, path: str = "") -> int:
    """Tell everybody who may use Django admin, for what concerns no single workspace."""
    operators = User.objects.filter(is_staff=True, is_active=True)
    return _write(None, operators, key, subject, body, path)


@transaction.atomic
def _write(
    tenant: Tenant | None, users: Iterable[User], key: str, subject: str, body: str, path: str
) -> int:
    told = 0
    for user in users:
        _, is_new = Notice.objects.get_or_create(
            tenant=tenant,
            user=user,
            key=key,
            defaults={
                "subject": " ".join(subject.split())[:200],
                "body": body,
                "path": path,
                "next_attempt_at": timezone.now(),
            },
        )
        told += is_new
    if told:
        queue.enqueue("leadmetrics.tasks.send_notices")
    return told


def send_notices() -> int:
    """Send what is due, oldest first; returns how many mails went out. May run twice at once."""
    sent = 0
    for notice in _due(timezone.now()).order_by("pk")[:_AT_ONCE]:
        if not _claim(notice):
            continue
        if not _still_concerns(notice):
            Notice.objects.filter(pk=notice.pk).update(dropped_at=timezone.now())
            continue
        try:
            _mail(notice).send()
        except (OSError, SMTPException) as exc:
            logger.warning("notice %s was not sent: %s", notice.pk, type(exc).__name__)
            continue
        Notice.objects.filter(pk=notice.pk).update(sent_at=timezone.now())
        sent += 1
    return sent


def prune_notices() -> None:
    """Forget mails of more than a year ago; no occasion comes back after that."""
    Notice.objects.filter(created_at__lt=timezone.now() - _KEEP).delete()


def _due(now: datetime) -> QuerySet[Notice]:
    return Notice.objects.filter(
        sent_at=None, dropped_at=None, next_attempt_at__lte=now
    ).select_related("tenant", "user")


def _claim(notice: Notice) -> bool:
    """Take the mail for a while, so that two workers do not send it both."""
    now = timezone.now()
    wait = _WAITS[min(notice.attempts, len(_WAITS) - 1)]
    return bool(
        _due(now)
        .filter(pk=notice.pk, attempts=notice.attempts)
        .update(attempts=F("attempts") + 1, next_attempt_at=now + wait)
    )


def _still_concerns(notice: Notice) -> bool:
    if notice.tenant is None:
        return notice.user.is_active and notice.user.is_staff
    return Membership.objects.filter(
        tenant=notice.tenant, user=notice.user, user__is_active=True
    ).exists()


def _mail(notice: Notice) -> EmailMessage:
    link = f"\n\n{settings.SITE_URL}{notice.path}" if notice.path else ""
    whose = notice.tenant.name if notice.tenant else "Leadmetrics"
    return EmailMessage(
        subject=f"[{whose}] {notice.subject}",
        body=f"Hello {notice.user.get_short_name()},\n\n{notice.body}{link}\n\nLeadmetrics\n",
        to=[notice.user.email],
    )
