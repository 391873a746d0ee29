"""What reviewing leaves behind besides verdicts: what was drawn for whom, and comments."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from approvals.limits import LABELS, TEXTS
from leadmetrics.tenancy.models import User


class Seen(models.Model):
    """This person had exactly this content of a variant on the screen."""

    variant = models.ForeignKey("AdVariant", on_delete=models.CASCADE, related_name="seen")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    content_hash = models.CharField(max_length=64)
    is_selected = models.BooleanField(default=False, help_text="Marked with x for a bulk act.")
    seen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "seen"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "variant", "content_hash"], name="one_row_per_seen_content"
            )
        ]

    def __str__(self) -> str:
        return f"{self.content_hash[:12]} seen by {self.user.name}"


class Comment(models.Model):
    """What a person says about an ad, perhaps about some of its words; it decides nothing."""

    append_only: ClassVar[bool] = True

    variant = models.ForeignKey("AdVariant", on_delete=models.PROTECT, related_name="comments")
    revision = models.ForeignKey(
        "VariantRevision", on_delete=models.PROTECT, related_name="comments"
    )
    number = models.PositiveIntegerField()
    content_hash = models.CharField(max_length=64, help_text="Of the version it is about.")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="comments")
    text = models.TextField()
    field = models.CharField(max_length=20, blank=True, help_text="The text whose words it quotes.")
    start = models.PositiveIntegerField(null=True, blank=True)
    end = models.PositiveIntegerField(null=True, blank=True)
    words = models.TextField(blank=True, help_text="The quoted words.")
    told = models.JSONField(default=list, help_text="Names of those who were told by mail.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["variant", "number"], name="one_comment_per_number"),
            models.CheckConstraint(
                condition=models.Q(words="", field="", start=None, end=None)
                | (
                    ~models.Q(words="")
                    & models.Q(field__in=TEXTS, start__isnull=False, end__gt=models.F("start"))
                ),
                name="comment_quotes_a_place_or_nothing",
            ),
        ]

    def __str__(self) -> str:
        return f"Comment {self.number} by {self.author.name}"

    @property
    def label(self) -> str:
        """The name of the text whose words it quotes."""
        return LABELS.get(self.field, "")
