"""Agents' keys for support: when made and used, never the key or its hash."""

from __future__ import annotations

from django.contrib import admin

from leadmetrics.agents.models import AgentKey
from leadmetrics.tenancy.admin import ReadOnlyAdmin


@admin.register(AgentKey)
class AgentKeyAdmin(ReadOnlyAdmin):
    list_display = ["name", "prefix", "tenant", "created_at", "expires_at", "last_used_at"]
    list_select_related = ["tenant"]
    search_fields = ["name", "prefix", "tenant__slug"]
    exclude = ["key_hash"]
