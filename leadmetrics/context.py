"""What every page knows: the workspace, the person's other workspaces, what waits."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from approvals.selectors.queue import count_to_review
from approvals.selectors.sending import shown_stop
from integrations.api_versions import version_in_words, version_problem
from integrations.app_secret import rotation
from leadmetrics.doctor import worker_problem
from leadmetrics.tenancy.models import Membership, Tenant, User


def product(request: HttpRequest) -> dict[str, Any]:
    """Names for base.html. A page that does not use the lazy ones pays no query for them."""
    tenant: Tenant | None = getattr(request, "tenant", None)

    def memberships() -> list[Membership]:
        return request.user.joined if isinstance(request.user, User) else []

    def nav_counts() -> dict[str, int]:
        return {"review": count_to_review(tenant) if tenant else 0}

    return {
        "sandbox_url": settings.SANDBOX_URL if settings.SANDBOX else "",
        "mails_url": reverse("mails") if settings.KEEPS_MAILS else "",
        "api_version": {
            "words": SimpleLazyObject(version_in_words),
            "problem": SimpleLazyObject(version_problem),
        },
        "secret_rotation": SimpleLazyObject(rotation),
        "worker_problem": SimpleLazyObject(worker_problem),
        "tenant": tenant,
        "membership": getattr(request, "membership", None),
        "memberships": SimpleLazyObject(memberships),
        "write_stop": shown_stop(tenant.pk) if tenant else None,
        "nav_counts": SimpleLazyObject(nav_counts),
    }
