"""What we know of a tenant's Meta assets: grants, ad accounts, campaigns, results."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from integrations.deletion_models import DataDeletion
from integrations.insight_models import (
    AccountDay,
    AdInsight,
    CampaignInsight,
    CampaignMonth,
    InsightCheck,
    InsightDay,
    InsightRevision,
    RangeReach,
)
from integrations.metadata import IntegrationMetadata
from integrations.run_models import SyncRun
from leadmetrics.tenancy.models import Tenant, User

__all__ = [
    "AccountDay",
    "AdAccount",
    "AdInsight",
    "AdObject",
    "AdSet",
    "Campaign",
    "CampaignInsight",
    "CampaignMonth",
    "CustomAudience",
    "DataDeletion",
    "InsightCheck",
    "InsightDay",
    "InsightRevision",
    "Integration",
    "Page",
    "PushTarget",
    "RangeReach",
    "SyncRun",
]


class Integration(models.Model):
    """One person's grant. ``api_key`` is their long-lived token, sealed for exactly this row."""

    class Status(models.TextChoices):
        CONNECTED = "connected", "Connected"
        EXPIRING = "expiring", "Expires soon"
        NEEDS_RECONNECT = "needs_reconnect", "Needs reconnecting"
        EXPIRED = "expired", "Expired"
        REVOKED = "revoked", "Access withdrawn at Facebook"
        DISCONNECTED = "disconnected", "Disconnected"

    class Trouble(models.TextChoices):
        """What the last check of the grant found; the status alone says whether it is used."""

        NOT_EXTENDED = "not_extended", "Meta did not extend it"
        APP_REMOVED = "app_removed", "The app was removed at Facebook"
        PASSWORD_CHANGED = "password_changed", "The Facebook password changed"
        SIGNED_OUT = "signed_out", "All sign-ins were ended"
        CHECKPOINT = "checkpoint", "Facebook asks the person to confirm"
        ROLE_LOST = "role_lost", "A role on the Page was lost"
        DATA_ACCESS = "data_access", "The access to data ended"
        WRONG_PERSON = "wrong_person", "The token is somebody else's"
        UNDECRYPTABLE = "undecryptable", "Cannot be decrypted"
        APP_SETTINGS = "app_settings", "Meta refuses the app's id or secret"
        APP_OFF = "app_off", "Meta has switched the app off"
        VERSION = "version", "The API version has ended"
        UNREACHABLE = "unreachable", "Meta did not answer"

    USABLE: ClassVar = (Status.CONNECTED, Status.EXPIRING)
    # How long a disconnected grant is tried to be withdrawn at Meta, too.
    WITHDRAW_WITHIN: ClassVar = timedelta(days=1)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="integrations")
    provider = models.CharField(max_length=20, default="meta_ads")
    api_key = models.TextField(blank=True, editable=False)
    metadata = models.JSONField(default=dict)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.CONNECTED)
    meta_user_id = models.CharField(max_length=32)
    meta_user_name = models.CharField(max_length=160)
    granted_scopes = models.JSONField(default=list)
    declined_scopes = models.JSONField(default=list)
    data_access_expires_at = models.DateTimeField(null=True, blank=True)
    connected_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    connected_at = models.DateTimeField()
    last_checked_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True)
    trouble = models.CharField(max_length=20, choices=Trouble.choices, blank=True)
    trouble_since = models.DateTimeField(null=True, blank=True)
    # A business's own token, which no person's password or sign-in touches.
    is_system_user = models.BooleanField(default=False)
    # Counts every change of the token, so that a slow refresh cannot overwrite a newer one.
    version = models.PositiveIntegerField(default=1)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "provider", "meta_user_id"], name="one_grant_per_person"
            )
        ]

    def __str__(self) -> str:
        return f"{self.meta_user_name} ({self.get_status_display()})"

    @property
    def is_usable(self) -> bool:
        return self.status in self.USABLE and bool(self.api_key)

    @property
    def defaults(self) -> IntegrationMetadata:
        """The typed view of ``metadata``."""
        return IntegrationMetadata.read(self.metadata)

    @property
    def token_expires_at(self) -> datetime | None:
        """When the token ends; None means it does not end by itself."""
        return self.defaults.token_expires_at

    @property
    def works_until(self) -> datetime | None:
        """The first of the two ends; None when neither the token nor the data access ends."""
        ends = [end for end in (self.token_expires_at, self.data_access_expires_at) if end]
        return min(ends, default=None)

    @property
    def missing_scope_names(self) -> list[str]:
        """The permissions we ask for and do not have."""
        return [name for name in settings.META_SCOPES if name not in self.granted_scopes]

    @property
    def is_held_by_meta(self) -> bool:
        """Disconnected here, while Meta still keeps the permissions for this app."""
        return self.status == self.Status.DISCONNECTED and bool(self.granted_scopes)

    @property
    def is_being_withdrawn(self) -> bool:
        """Whether asking Meta to drop those permissions is still being tried."""
        left_at = self.last_checked_at
        return (
            self.is_held_by_meta
            and left_at is not None
            and left_at > timezone.now() - self.WITHDRAW_WITHIN
        )


class AdAccount(models.Model):
    """An ad account this grant reaches. Only ``enabled`` ones are pulled and pushed to."""

    class AccountStatus(models.IntegerChoices):
        ACTIVE = 1, "Active"
        DISABLED = 2, "Disabled by Meta"
        UNSETTLED = 3, "Unpaid balance"
        PENDING_RISK_REVIEW = 7, "In Meta's risk review"
        PENDING_SETTLEMENT = 8, "Payment pending"
        IN_GRACE_PERIOD = 9, "In grace period"
        PENDING_CLOSURE = 100, "Closing"
        CLOSED = 101, "Closed"

    # Ad Account reference: ads run only in accounts with one of these states.
    RUNS_ADS: ClassVar = (
        AccountStatus.ACTIVE,
        AccountStatus.PENDING_SETTLEMENT,
        AccountStatus.IN_GRACE_PERIOD,
    )

    integration = models.ForeignKey(
        Integration, on_delete=models.PROTECT, related_name="ad_accounts"
    )
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="ad_accounts")
    ad_account_id = models.CharField(max_length=32, help_text="act_<digits>")
    name = models.CharField(max_length=200)
    currency = models.CharField(max_length=3)
    timezone = models.CharField(max_length=60)
    account_status = models.IntegerField()
    business_name = models.CharField(max_length=200, blank=True)
    enabled = models.BooleanField(default=False)
    conversion_action_type = models.CharField(
        max_length=80, blank=True, help_text="Empty: the first present of our usual three."
    )
    # The person's own tasks there, in Meta's words: MANAGE, ADVERTISE, ANALYZE, DRAFT.
    user_tasks = models.JSONField(default=list)
    # What new push targets of this account start with.
    default_page = models.ForeignKey(
        "Page", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    use_instagram = models.BooleanField(default=False)
    default_link = models.URLField(max_length=1000, blank=True)
    url_tags = models.CharField(max_length=500, blank=True)
    # Why approved work did not go on with another person's grant; empty when nobody tried.
    held_because = models.CharField(max_length=300, blank=True)
    gone_at = models.DateTimeField(null=True, blank=True)
    insights_complete_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "ad_account_id"], name="one_row_per_ad_account"
            )
        ]
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return f"{self.name} ({self.ad_account_id})"

    @property
    def status_label(self) -> str:
        """Meta's account status in words; unknown numbers are shown as such."""
        labels = dict(self.AccountStatus.choices)
        return str(labels.get(self.account_status, f"Status {self.account_status}"))

    @property
    def can_run_ads(self) -> bool:
        return self.account_status in self.RUNS_ADS


class Page(models.Model):
    """A Facebook Page the grant may advertise for."""

    integration = models.ForeignKey(Integration, on_delete=models.PROTECT, related_name="pages")
    page_id = models.CharField(max_length=32)
    name = models.CharField(max_length=200)
    can_advertise = models.BooleanField(default=False)
    instagram_account_id = models.CharField(max_length=32, blank=True)
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["integration", "page_id"], name="one_row_per_page")
        ]
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class AdObject(models.Model):
    """What campaigns and ad sets have in common. A vanished one is kept, with ``gone_at`` set."""

    name = models.CharField(max_length=400)
    status = models.CharField(max_length=30)
    effective_status = models.CharField(max_length=30)
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Campaign(AdObject):
    ad_account = models.ForeignKey(AdAccount, on_delete=models.CASCADE, related_name="campaigns")
    campaign_id = models.CharField(max_length=32)
    objective = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ad_account", "campaign_id"], name="one_row_per_campaign"
            )
        ]


class AdSet(AdObject):
    ad_account = models.ForeignKey(AdAccount, on_delete=models.CASCADE, related_name="ad_sets")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="ad_sets")
    ad_set_id = models.CharField(max_length=32)
    is_dynamic_creative = models.BooleanField(default=False)
    # Ads in it that count against Meta's limit of 50; NULL until they were counted.
    ad_count = models.PositiveIntegerField(null=True, blank=True)
    # Whether beneficiary and payer are named, which ads shown in the EU need.
    names_advertiser = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ad_account", "ad_set_id"], name="one_row_per_ad_set")
        ]


class PushTarget(models.Model):
    """Where approved ads go: an ad set, the Page that speaks, and defaults for the link."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="push_targets")
    ad_account = models.ForeignKey(AdAccount, on_delete=models.PROTECT, related_name="push_targets")
    ad_set = models.ForeignKey(AdSet, on_delete=models.PROTECT, related_name="push_targets")
    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="push_targets")
    use_instagram = models.BooleanField(default=False)
    name = models.CharField(max_length=120)
    default_link = models.URLField(max_length=1000, blank=True)
    url_tags = models.CharField(max_length=500, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"],
                condition=Q(archived_at=None),
                name="one_live_target_per_name",
            )
        ]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class CustomAudience(models.Model):
    ad_account = models.ForeignKey(AdAccount, on_delete=models.CASCADE, related_name="audiences")
    audience_id = models.CharField(max_length=32)
    name = models.CharField(max_length=300)
    subtype = models.CharField(max_length=60)
    lower_bound = models.BigIntegerField(null=True, blank=True)
    upper_bound = models.BigIntegerField(null=True, blank=True)
    delivery_code = models.IntegerField(null=True, blank=True)
    operation_code = models.IntegerField(null=True, blank=True)
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ad_account", "audience_id"], name="one_row_per_audience"
            )
        ]
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name
