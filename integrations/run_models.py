"""Readings from Meta: what was asked for, how far it came, and how it ended."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from leadmetrics.tenancy.models import Tenant


class SyncRun(models.Model):
    """One attempt to read from Meta: what, how far it came, and whether it is complete."""

    class Kind(models.TextChoices):
        INSIGHTS = "insights", "Performance"
        HISTORY = "history", "Older performance"
        CATALOG = "catalog", "Campaigns, Pages and audiences"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        COMPLETE = "complete", "Complete"
        FAILED = "failed", "Incomplete"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="sync_runs")
    integration = models.ForeignKey(
        "integrations.Integration", on_delete=models.CASCADE, related_name="sync_runs"
    )
    ad_account = models.ForeignKey(
        "integrations.AdAccount", on_delete=models.CASCADE, null=True, related_name="sync_runs"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    since = models.DateField(null=True)
    until = models.DateField(null=True)
    days_total = models.PositiveIntegerField(default=0)
    days_done = models.PositiveIntegerField(default=0)
    # How many days are asked for at once; a reading that is too slow or too large has fewer.
    window_days = models.PositiveSmallIntegerField(default=7)
    # Reports that Meta is preparing, "<level> <since> <until>" to the report's id.
    reports = models.JSONField(default=dict)
    rows = models.PositiveIntegerField(default=0)
    requests = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=40, blank=True)
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "-created_at"], name="sync_runs_newest"),
        ]
        constraints = [
            # One unfinished run per ad account (or grant) and kind: a second click joins the first.
            models.UniqueConstraint(
                fields=["ad_account", "kind"],
                condition=Q(state__in=["waiting", "running"], ad_account__isnull=False),
                name="one_open_run_per_account",
            ),
            models.UniqueConstraint(
                fields=["integration", "kind"],
                condition=Q(state__in=["waiting", "running"], ad_account__isnull=True),
                name="one_open_run_per_grant",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.get_state_display()}"

    @property
    def is_open(self) -> bool:
        return self.state in (self.State.WAITING, self.State.RUNNING)

    @property
    def has_failed(self) -> bool:
        return self.state == self.State.FAILED

    @property
    def label(self) -> str:
        """What it reads, for people."""
        if self.ad_account is None:
            return "Ad accounts and Pages"
        what = {
            self.Kind.INSIGHTS: "performance",
            self.Kind.HISTORY: "older performance",
            self.Kind.CATALOG: "campaigns and audiences",
        }
        return f"{self.ad_account.name}: {what[self.Kind(self.kind)]}"

    @property
    def so_far(self) -> str:
        """What has been read."""
        days = f"{self.days_done} of {self.days_total} days, " if self.days_total else ""
        return f"{days}{self.rows:,} rows"

    @property
    def took(self) -> str:
        """How long it worked, or has worked so far; empty when it has not begun."""
        if self.started_at is None:
            return ""
        seconds = ((self.finished_at or timezone.now()) - self.started_at).total_seconds()
        if seconds < 60:
            return f"{max(seconds, 0.1):.1f} s"
        minutes, rest = divmod(int(seconds), 60)
        return (
            f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
        )

    @property
    def progress_text(self) -> str:
        """How far it is, and what it waits for."""
        if self.state != self.State.WAITING:
            return self.so_far
        if self.lease_until is not None and self.lease_until > timezone.now():
            return f"{self.so_far}. Meta asks us to wait; it goes on by itself"
        return f"{self.so_far}, waiting for a worker" if self.rows else "Waiting for a worker"
