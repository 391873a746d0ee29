"""What people were told by mail: one row per person and occasion."""

from __future__ import annotations

from django.db import models

from leadmetrics.tenancy.models import Tenant, User


class Notice(models.Model):
    """A mail to one person. ``key`` names the occasion, so that nobody is told twice.

    Without a tenant it concerns the whole installation and goes to an operator.
    """

    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, null=True, blank=True, related_name="notices"
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    key = models.CharField(max_length=200)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    path = models.CharField(max_length=400, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    dropped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "user", "key"], name="one_notice_per_person_and_key"
            ),
            models.UniqueConstraint(
                fields=["user", "key"],
                condition=models.Q(tenant=None),
                name="one_notice_per_operator_and_key",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(sent_at=None, dropped_at=None),
                name="notices_to_send",
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.user}"
