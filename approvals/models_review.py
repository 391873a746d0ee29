"""What reviewing leaves behind besides verdicts: which content was drawn for whom."""

from __future__ import annotations

from django.db import models

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
