"""Listening to what every answer of Meta's says about the version that answered, and telling."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date

from django.conf import settings

from integrations.api_versions import VersionProblem, note_answer, version_problems
from integrations.meta_ads.transport import Observer
from integrations.meta_ads.types import UsageSnapshot
from integrations.models import Integration
from leadmetrics.notices.services import notify, notify_operators
from leadmetrics.tenancy.models import Role, Tenant, User

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VersionWatch:
    """An observer that notes versions and hands the usage on to another one, if there is one."""

    then: Observer | None = None

    def on_usage(self, ad_account_id: str, usage: UsageSnapshot) -> None:
        """Passed on as it is."""
        if self.then is not None:
            self.then.on_usage(ad_account_id, usage)

    def on_version(self, answered: str, warning: str) -> None:
        """News is logged as a warning, once, and shown to admins and support."""
        if note_answer(answered, warning):
            logger.warning(
                "Meta answered with version %s%s",
                answered or "unnamed",
                " and warned of its end" if warning else "",
            )
        if self.then is not None:
            self.then.on_version(answered, warning)


def tell_of_version(today: date | None = None) -> int:
    """Mail operators, and admins of the tenants concerned, each occasion once; how many now."""
    return sum(_tell(problem) for problem in version_problems(today))


def _tell(problem: VersionProblem) -> int:
    key = f"api-version:{settings.META_API_VERSION}:{problem.key}"
    effect = (
        "Reports stand still and approved ads wait until then; nothing is lost."
        if problem.has_ended
        else "Until then everything goes on. After its end Meta refuses every call."
    )
    body = f"{problem.text}\n\nNext step: {problem.next_step} {effect}"
    told = notify_operators(key=key, subject=problem.text, body=body, path="/admin/")
    in_use = Integration.objects.filter(status__in=Integration.USABLE)
    for tenant in Tenant.objects.filter(pk__in=in_use.values("tenant")):
        # An operator who is an admin here, too, has the mail already.
        admins = User.objects.filter(
            memberships__tenant=tenant,
            memberships__role=Role.ADMIN,
            is_active=True,
            is_staff=False,
        )
        told += notify(
            tenant=tenant,
            users=admins,
            key=key,
            subject=problem.text,
            body=body,
            path=f"/t/{tenant.slug}/connections/",
        )
    return told
