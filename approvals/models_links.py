"""What the links of a tenant's ads lead to."""

from __future__ import annotations

import hashlib

from django.db import models

from leadmetrics.tenancy.models import Tenant


class LinkCheck(models.Model):
    """The latest look at one link: opened by a job, never while somebody waits for a page."""

    class State(models.TextChoices):
        WAITING = "waiting", "Being opened"
        ANSWERED = "answered", "Answered"
        REFUSED = "refused", "Not opened"
        SILENT = "silent", "No answer"

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="link_checks")
    # A link of 1,000 characters may be too long for an index, so its hash stands for it.
    link_sha256 = models.CharField(max_length=64)
    link = models.CharField(max_length=1000)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    status = models.PositiveIntegerField(null=True, blank=True, help_text="HTTP status.")
    final_link = models.TextField(blank=True)
    reason = models.CharField(max_length=200, blank=True)
    page_text = models.TextField(blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "link_sha256"], name="one_check_per_link")
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.link}"

    @property
    def is_read(self) -> bool:
        """Whether the page answered well, so that its text says something about the offer."""
        return self.state == self.State.ANSWERED and self.status is not None and self.status < 300


def hash_link(link: str) -> str:
    """The key of a link in the table."""
    return hashlib.sha256(link.encode()).hexdigest()
