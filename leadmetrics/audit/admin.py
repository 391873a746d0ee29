"""The audit log for support: to look at, never to change."""

from __future__ import annotations

from django.contrib import admin

from leadmetrics.audit.models import AuditEntry
from leadmetrics.tenancy.admin import ReadOnlyAdmin


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ["at", "tenant_id", "seq", "actor_label", "action", "object_type", "object_id"]
    list_filter = ["actor_kind"]
    search_fields = ["action", "actor_label", "object_id"]
    ordering = ["-pk"]
