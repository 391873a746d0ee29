"""What became of an ad after it was created: switched on by a person, read again at Meta."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from integrations.models import PushTarget
from leadmetrics.tenancy.models import User


class Activation(models.Model):
    """A person's act: switch this ad on, with this text, under this budget. Its result follows."""

    append_only: ClassVar[bool] = True

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    push = models.ForeignKey("Push", on_delete=models.PROTECT, related_name="activations")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    content_hash = models.CharField(max_length=64, help_text="Of the text that was on the page.")
    plan = models.JSONField(help_text="Budget and schedule that were on the page.")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"Activation by {self.person.name}"


class ActivationResult(models.Model):
    """How an activation ended, and the hash of the text that Meta held just before."""

    append_only: ClassVar[bool] = True

    class Result(models.TextChoices):
        ACTIVE = "active", "Switched on"
        REFUSED = "refused", "Not switched on"
        STOPPED = "stopped", "Paused before it was switched on"

    activation = models.OneToOneField(Activation, on_delete=models.PROTECT, related_name="result")
    result = models.CharField(max_length=10, choices=Result.choices)
    code = models.CharField(max_length=40, blank=True)
    words = models.CharField(max_length=400, blank=True)
    live_hash = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(result="active") | ~Q(live_hash=""),
                name="active_result_has_the_text",
            )
        ]

    def __str__(self) -> str:
        return self.get_result_display()


class LiveAd(models.Model):
    """What Meta last said of a pushed ad, what we want of it, and when it is looked at next."""

    class Wanted(models.TextChoices):
        PAUSED = "paused", "Paused"
        ACTIVE = "active", "Switched on"

    push = models.OneToOneField("Push", on_delete=models.PROTECT, related_name="live")
    # The act under way. A new act raises the fence; work that began under an older one stops.
    wanted = models.CharField(max_length=10, choices=Wanted.choices, default=Wanted.PAUSED)
    fence = models.PositiveIntegerField(default=0)
    act_due_at = models.DateTimeField(null=True, blank=True)
    act_attempts = models.PositiveIntegerField(default=0)
    act_problem_code = models.CharField(max_length=40, blank=True)
    act_problem = models.CharField(max_length=400, blank=True)
    active_sent_at = models.DateTimeField(null=True, blank=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    # What Meta said at the last look.
    configured_status = models.CharField(max_length=30, blank=True)
    effective_status = models.CharField(max_length=30, blank=True)
    feedback = models.JSONField(default=list, help_text="Meta's reasons: policy and text.")
    issues = models.JSONField(default=list, help_text="Meta's delivery problems: code and text.")
    plan = models.JSONField(default=dict, help_text="Budget, schedule and state of what is above.")
    differences = models.JSONField(default=list, help_text="Field, approved text, text at Meta.")
    changes = models.JSONField(default=list, help_text="From the ad account's activity log.")
    live_hash = models.CharField(max_length=64, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    next_check_at = models.DateTimeField(null=True, blank=True)
    failed_checks = models.PositiveIntegerField(default=0)
    failed_code = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["next_check_at"], name="live_check_due"),
            models.Index(fields=["act_due_at"], name="live_act_due"),
        ]

    def __str__(self) -> str:
        return self.effective_status or "Not looked at yet"


class Preflight(models.Model):
    """What Meta said beforehand: of a push target, or, with a hash, of one content for it."""

    target = models.ForeignKey(PushTarget, on_delete=models.CASCADE, related_name="preflights")
    content_hash = models.CharField(max_length=64, blank=True)
    obstacles = models.JSONField(default=list, help_text="Code and words of each.")
    checked_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target", "content_hash"], name="one_preflight_per_content"
            )
        ]

    def __str__(self) -> str:
        return f"{len(self.obstacles)} obstacles"
