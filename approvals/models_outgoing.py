"""Whether anything may go out to Meta at all, and what we already have in an ad account."""

from __future__ import annotations

from django.db import models
from django.db.models import Value
from django.db.models.functions import Coalesce

from integrations.models import AdAccount
from leadmetrics.tenancy.models import Tenant


class WriteStop(models.Model):
    """While the row exists, nothing is created or switched on at Meta. Pausing stays possible."""

    tenant = models.ForeignKey(
        Tenant,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="write_stops",
        help_text="Empty: in every workspace.",
    )
    reason = models.CharField(max_length=200)
    stopped_by = models.CharField(max_length=160)
    stopped_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(Coalesce("tenant", Value(0)), name="one_write_stop_per_tenant")
        ]

    def __str__(self) -> str:
        return f"{self.tenant or 'Everywhere'}: {self.reason}"


class WriteMark(models.Model):
    """The one row that says which installation this database belongs to.

    ``activated_at`` is when an ad was last asked to run from here.
    """

    environment = models.UUIDField()
    activated_at = models.DateTimeField(null=True, blank=True)
    reconciled_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return str(self.environment)


class AccountImage(models.Model):
    """A picture that an ad account's library holds already, under Meta's own hash."""

    ad_account = models.ForeignKey(AdAccount, on_delete=models.CASCADE, related_name="ad_images")
    sha256 = models.CharField(max_length=64)
    image_hash = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ad_account", "sha256"], name="one_hash_per_picture")
        ]

    def __str__(self) -> str:
        return self.image_hash
