"""Connections for support: to look at, never to change. The token is nowhere."""

from __future__ import annotations

from datetime import datetime

from django.contrib import admin

from integrations.deletion_models import DataDeletion
from integrations.models import (
    AdAccount,
    AdSet,
    Campaign,
    CustomAudience,
    InsightCheck,
    InsightRevision,
    Integration,
    Page,
    PushTarget,
    SyncRun,
)
from leadmetrics import queue
from leadmetrics.tenancy.admin import ReadOnlyAdmin

# Older performance is read only when somebody asks for it.
_SCHEDULES = {
    SyncRun.Kind.INSIGHTS: "Pull performance",
    SyncRun.Kind.CATALOG: "Sync catalogs",
}


@admin.register(Integration)
class IntegrationAdmin(ReadOnlyAdmin):
    list_display = [
        "meta_user_name",
        "tenant",
        "status",
        "token_expires_at",
        "data_access_expires_at",
        "last_checked_at",
        "last_error",
    ]
    list_filter = ["status"]
    list_select_related = ["tenant"]
    search_fields = ["id", "meta_user_id", "meta_user_name", "tenant__slug"]
    exclude = ["api_key"]
    readonly_fields = ["token_expires_at"]
    ordering = ["-connected_at"]


@admin.register(AdAccount)
class AdAccountAdmin(ReadOnlyAdmin):
    readonly_fields = ["default_link"]  # see PushTargetAdmin
    list_display = [
        "name",
        "ad_account_id",
        "tenant",
        "enabled",
        "status_label",
        "currency",
        "timezone",
        "insights_complete_at",
        "gone_at",
    ]
    list_filter = ["enabled"]
    list_select_related = ["tenant"]
    search_fields = ["ad_account_id", "name", "business_name", "tenant__slug"]


@admin.register(Page)
class PageAdmin(ReadOnlyAdmin):
    list_display = ["name", "page_id", "integration", "can_advertise", "gone_at"]
    list_select_related = ["integration"]
    search_fields = ["page_id", "name", "instagram_account_id"]


@admin.register(Campaign)
class CampaignAdmin(ReadOnlyAdmin):
    list_display = ["name", "campaign_id", "ad_account", "effective_status", "gone_at"]
    list_select_related = ["ad_account"]
    search_fields = ["campaign_id", "name"]
    ordering = ["-pk"]


@admin.register(AdSet)
class AdSetAdmin(ReadOnlyAdmin):
    list_display = ["name", "ad_set_id", "campaign", "effective_status", "gone_at"]
    list_select_related = ["campaign"]
    search_fields = ["ad_set_id", "name"]
    ordering = ["-pk"]


@admin.register(PushTarget)
class PushTargetAdmin(ReadOnlyAdmin):
    list_display = ["name", "tenant", "ad_account", "ad_set", "page", "archived_at"]
    list_select_related = ["tenant", "ad_account", "ad_set", "page"]
    search_fields = ["id", "name", "ad_set__ad_set_id", "page__page_id", "tenant__slug"]
    # Without a form field, for which Django 5.2 wants to know what to think of bare host names.
    readonly_fields = ["default_link"]


@admin.register(CustomAudience)
class CustomAudienceAdmin(ReadOnlyAdmin):
    list_display = ["name", "audience_id", "ad_account", "subtype", "delivery_code", "gone_at"]
    list_select_related = ["ad_account"]
    search_fields = ["audience_id", "name"]


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyAdmin):
    list_display = [
        "created_at",
        "tenant",
        "kind",
        "ad_account",
        "state",
        "progress_text",
        "requests",
        "took",
        "error",
    ]
    readonly_fields = ["took", "read_next"]
    list_filter = ["state", "kind"]
    list_select_related = ["tenant", "ad_account", "integration"]
    search_fields = ["id", "ad_account__ad_account_id", "tenant__slug"]
    ordering = ["-created_at"]

    @admin.display(description="read next")
    def read_next(self, run: SyncRun) -> datetime | None:
        """When this run goes on, or the next one of its kind begins by itself."""
        if run.is_open:
            return run.lease_until if run.state == SyncRun.State.WAITING else None
        return queue.next_start(_SCHEDULES.get(SyncRun.Kind(run.kind), ""))


@admin.register(InsightRevision)
class InsightRevisionAdmin(ReadOnlyAdmin):
    list_display = [
        "noted_at",
        "ad_account",
        "campaign_id",
        "date_start",
        "spend",
        "impressions",
        "clicks",
        "conversions",
        "conversion_value",
    ]
    list_select_related = ["ad_account"]
    search_fields = ["campaign_id", "ad_account__ad_account_id", "ad_account__name"]
    ordering = ["-noted_at", "-pk"]


@admin.register(InsightCheck)
class InsightCheckAdmin(ReadOnlyAdmin):
    list_display = ["month", "ad_account", "verdict", "error", "ours", "metas", "checked_at"]
    readonly_fields = ["verdict"]
    list_filter = ["matches"]
    list_select_related = ["ad_account"]
    search_fields = ["ad_account__ad_account_id", "ad_account__name"]
    ordering = ["-month"]


@admin.register(DataDeletion)
class DataDeletionAdmin(ReadOnlyAdmin):
    list_display = ["code", "connections", "requested_at"]
    search_fields = ["id", "code"]
    ordering = ["-pk"]
