"""Who is signed in, read together with where they work: every page needs both."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend

from leadmetrics.tenancy.models import Membership, User


class MemberBackend(ModelBackend):
    """Django's own sign-in; the person of a session comes with their memberships in one query."""

    def get_user(self, user_id: Any) -> User | None:
        """The active person, with ``joined`` filled; None for anybody else."""
        joined = list(
            Membership.objects.filter(user_id=user_id)
            .select_related("user", "tenant")
            .order_by("tenant__name", "tenant_id")
        )
        if not joined:  # staff, or somebody whom the last workspace has removed
            return super().get_user(user_id)
        user = joined[0].user
        for membership in joined:
            membership.user = user
        user.joined = joined
        return user if self.user_can_authenticate(user) else None

    def get_group_permissions(self, *_: Any, **__: Any) -> set[str]:
        """None, and no query for them: groups decide nothing here."""
        return set()
