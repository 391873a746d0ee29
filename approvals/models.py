"""Proposed ad copy, what people decided about it, and what became of it at Meta."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from approvals.limits import CALLS_TO_ACTION
from approvals.models_links import LinkCheck
from approvals.models_live import Activation, ActivationResult, LiveAd, Preflight
from approvals.models_outgoing import AccountImage, WriteMark, WriteStop
from approvals.models_review import Comment, Seen
from approvals.states import PAST_PUSHES, PushState, StepState, VariantStatus
from integrations.models import PushTarget
from leadmetrics.tenancy.models import Tenant, User

__all__ = [
    "AccountImage",
    "Activation",
    "ActivationResult",
    "AdImage",
    "AdVariant",
    "Comment",
    "Decision",
    "LinkCheck",
    "LiveAd",
    "Preflight",
    "Proposal",
    "Push",
    "PushStep",
    "Seen",
    "VariantRevision",
    "WriteMark",
    "WriteStop",
]


class Proposal(models.Model):
    """One submission: who sent which variants, from which run, and what we answered."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="proposals")
    submitted_by = models.CharField(max_length=160)
    key_id = models.BigIntegerField(null=True, blank=True)
    run_id = models.CharField(max_length=100, blank=True)
    model = models.CharField(max_length=100, blank=True)
    brief = models.TextField(blank=True)
    idempotency_key = models.CharField(max_length=255, blank=True)
    request_hash = models.CharField(max_length=64, blank=True)
    answer = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "key_id", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="one_proposal_per_idempotency_key",
            )
        ]

    def __str__(self) -> str:
        return f"{self.submitted_by} {self.created_at:%Y-%m-%d %H:%M}"


class AdImage(models.Model):
    """A picture we keep ourselves, so that nobody can swap it behind a URL after approval."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="ad_images")
    sha256 = models.CharField(max_length=64)
    file = models.FileField(upload_to="ad_images/")
    content_type = models.CharField(max_length=20)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "sha256"], name="one_image_per_content")
        ]

    def __str__(self) -> str:
        return f"{self.width} x {self.height} {self.sha256[:12]}"


class AdVariant(models.Model):
    """A proposed ad. Its text lives in revisions; ``head`` is the newest one."""

    Status = VariantStatus

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="ad_variants")
    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="variants")
    target = models.ForeignKey(PushTarget, on_delete=models.PROTECT, related_name="variants")
    client_ref = models.CharField(max_length=100, blank=True)
    rationale = models.TextField(blank=True, help_text="Why the agent proposes this.")
    status = models.CharField(
        max_length=20, choices=VariantStatus.choices, default=VariantStatus.PROPOSED
    )
    head = models.OneToOneField(
        "VariantRevision", on_delete=models.PROTECT, null=True, related_name="+"
    )
    queue_at = models.DateTimeField(
        default=timezone.now, help_text="Its place in the queue; putting it off moves it back."
    )
    # The ids of the target's ad account and campaign, and the proposal's author, which never
    # change: no index reaches them through a join, and a long queue is slow without one.
    account_group = models.BigIntegerField(default=0, editable=False)
    campaign_group = models.BigIntegerField(default=0, editable=False)
    submitted_by = models.CharField(max_length=160, editable=False)
    link_check = models.ForeignKey(
        LinkCheck, on_delete=models.PROTECT, null=True, editable=False, related_name="variants"
    )
    link_flags = models.JSONField(
        default=list, editable=False, help_text="What opening the newest version's link has found."
    )
    has_warnings = models.BooleanField(
        default=False, editable=False, help_text="Whether any check warns of the newest version."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=VariantStatus.values), name="known_variant_status"
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "status", *order], name=name)
            for name, order in (
                ("variant_queue", ["queue_at", "id"]),
                ("variant_queue_by_age", ["created_at", "id"]),
                ("variant_queue_by_account", ["account_group", "queue_at", "id"]),
                ("variant_queue_by_campaign", ["campaign_group", "queue_at", "id"]),
                ("variant_queue_by_author", ["submitted_by", "queue_at", "id"]),
            )
        ] + [
            models.Index(
                fields=["tenant", "queue_at", "id"],
                condition=Q(status=VariantStatus.PROPOSED, has_warnings=True),
                name="variant_queue_with_warnings",
            )
        ]

    def __str__(self) -> str:
        return self.head.headline if self.head else str(self.pk)

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._state.adding:
            self.account_group = self.target.ad_account_id
            self.campaign_group = self.target.ad_set.campaign_id
            self.submitted_by = self.proposal.submitted_by
        super().save(*args, **kwargs)

    @property
    def due_at(self) -> datetime:
        """When it should be decided, by the workspace's rule."""
        return self.created_at + timedelta(hours=self.tenant.due_hours)

    @property
    def is_overdue(self) -> bool:
        return self.due_at < timezone.now()

    @property
    def is_put_off(self) -> bool:
        return self.queue_at > timezone.now()


class VariantRevision(models.Model):
    """One immutable content of a variant."""

    append_only: ClassVar[bool] = True

    variant = models.ForeignKey(AdVariant, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    primary_text = models.TextField()
    headline = models.CharField(max_length=255)
    description = models.CharField(max_length=255, blank=True)
    link = models.CharField(max_length=1000)
    call_to_action = models.CharField(max_length=40)
    image = models.ForeignKey(
        AdImage, on_delete=models.PROTECT, null=True, blank=True, related_name="revisions"
    )
    flags = models.JSONField(default=list, help_text="What the checks noticed but let pass.")
    content_hash = models.CharField(max_length=64)
    author_kind = models.CharField(max_length=10)
    author_label = models.CharField(max_length=160)
    author = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["variant", "number"], name="one_revision_per_number")
        ]
        indexes = [models.Index(fields=["content_hash"], name="revision_content")]

    def __str__(self) -> str:
        return f"v{self.number} {self.headline}"

    @property
    def button(self) -> str:
        """The button's words, as people see them."""
        return CALLS_TO_ACTION.get(self.call_to_action) or self.call_to_action


class Decision(models.Model):
    """A person's verdict on one revision, with the hash of exactly what was on the screen."""

    append_only: ClassVar[bool] = True

    class Verdict(models.TextChoices):
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        CHANGES = "changes", "Changes asked for"
        UNDONE = "undone", "Taken back"

    class Reason(models.TextChoices):
        OFF_BRAND = "off_brand", "Not our voice"
        WRONG_CLAIM = "wrong_claim", "Claim is wrong or unproven"
        WRONG_OFFER = "wrong_offer", "Offer, price or date is wrong"
        WRONG_LINK = "wrong_link", "Link or call to action does not fit"
        WRONG_IMAGE = "wrong_image", "Image does not fit"
        POLICY = "policy", "Would break Meta's ad rules"
        DUPLICATE = "duplicate", "We already have this"
        OTHER = "other", "Another reason (say which)"

    variant = models.ForeignKey(AdVariant, on_delete=models.PROTECT, related_name="decisions")
    revision = models.ForeignKey(
        VariantRevision, on_delete=models.PROTECT, related_name="decisions"
    )
    content_hash = models.CharField(max_length=64)
    reviewer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="decisions")
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    reason_code = models.CharField(max_length=20, choices=Reason.choices, blank=True)
    comment = models.TextField(blank=True)
    reviewer_was_author = models.BooleanField(default=False)
    undoes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="undone_by"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(Q(verdict="rejected") & ~Q(reason_code=""))
                | (~Q(verdict="rejected") & Q(reason_code="")),
                name="rejection_has_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(verdict="undone", undoes__isnull=False)
                | (~Q(verdict="undone") & Q(undoes=None)),
                name="undo_names_what_it_undoes",
            ),
        ]
        indexes = [models.Index(fields=["reviewer", "created_at"], name="decisions_of_a_person")]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()} by {self.reviewer.name}"


class Push(models.Model):
    """The one attempt to turn one approval into one PAUSED ad.

    The row is written in the approval's transaction with everything Meta will receive; workers
    claim it by lease and fence.
    """

    State = PushState

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    variant = models.ForeignKey(AdVariant, on_delete=models.PROTECT, related_name="pushes")
    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="push")
    payload = models.JSONField()
    payload_hash = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=PushState.choices, default=PushState.WAITING)
    fence = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(
        null=True, blank=True, help_text="Until then the approval can be undone."
    )
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    problem_code = models.CharField(max_length=40, blank=True)
    problem = models.CharField(max_length=400, blank=True)
    image_hash = models.CharField(max_length=64, blank=True)
    creative_id = models.CharField(max_length=32, blank=True)
    ad_id = models.CharField(max_length=32, null=True, blank=True, unique=True)
    read_back = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "pushes"
        constraints = [
            models.UniqueConstraint(
                fields=["variant"],
                condition=~Q(state__in=PAST_PUSHES),
                name="one_live_push_per_variant",
            ),
            models.CheckConstraint(
                condition=Q(state__in=PushState.values), name="known_push_state"
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(ad_id__isnull=False), name="done_push_has_an_ad"
            ),
        ]
        indexes = [models.Index(fields=["state", "next_attempt_at"], name="push_due")]

    def __str__(self) -> str:
        return f"{self.reference} {self.get_state_display()}"

    @property
    def reference(self) -> str:
        """What the ad carries in its name and label, so that it can be found again."""
        return f"lm-{self.pk}"

    @property
    def may_be_at_meta(self) -> bool:
        """Whether an ad write was sent that Meta has not clearly refused."""
        writes = self.steps.filter(kind=PushStep.Kind.AD)
        return writes.exclude(state=StepState.REFUSED).exists()


class PushStep(models.Model):
    """One outward write: the intent is stored before it is sent, the outcome after."""

    class Kind(models.TextChoices):
        IMAGE = "image", "Image"
        CREATIVE = "creative", "Ad creative"
        AD = "ad", "Ad"
        # Of an ad that ran although nobody switched it on. It ends when a person is told.
        PAUSE = "pause", "Pause"

    push = models.ForeignKey(Push, on_delete=models.PROTECT, related_name="steps")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=StepState.choices, default=StepState.SENT)
    fence = models.PositiveIntegerField()
    sent_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    empty_lookups = models.PositiveIntegerField(default=0)
    looked_up_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=StepState.values), name="known_step_state"
            ),
        ]
        indexes = [models.Index(fields=["push", "kind"], name="steps_of_push")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.get_state_display()}"

    @property
    def creates(self) -> bool:
        """Whether it brings something new to Meta. Pausing is possible whatever else is stopped."""
        return self.kind != self.Kind.PAUSE
