"""Mails to people, for support: whether somebody was told, and when."""

from __future__ import annotations

from django.contrib import admin

from leadmetrics.notices.models import Notice
from leadmetrics.tenancy.admin import ReadOnlyAdmin


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "tenant", "user", "subject", "sent_at", "dropped_at", "attempts"]
    list_select_related = ["tenant", "user"]
    search_fields = ["subject", "user__email", "key"]
    ordering = ["-pk"]
