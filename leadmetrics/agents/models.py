"""Keys with which agents come in. They can propose, withdraw and read; never decide."""

from __future__ import annotations

from django.db import models

from leadmetrics.tenancy.models import Tenant, User


class AgentKey(models.Model):
    """The key itself is shown once and never stored; only its hash is."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="agent_keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, help_text="The first characters, to recognise it by.")
    key_hash = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
