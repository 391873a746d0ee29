"""Performance as Meta reports it: days, when they were read, what changed afterwards.

Every table has an index that begins with the ad account, so its key needs none of its own.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.db import models
from django.utils import timezone

# Insights, Limits and Best Practices: figures no longer change 28 days after the reported day.
RESTATED_DAYS = 28


def is_final(day: date, read_at: datetime, zone: ZoneInfo) -> bool:
    """Whether what was read then can no longer change; the zone is the ad account's."""
    return (read_at.astimezone(zone).date() - day).days >= RESTATED_DAYS


class Figures(models.Model):
    """What can be added up. NULL means Meta did not say.

    Money is in the ad account's currency, major units. ``conversions`` and ``conversion_value``
    belong to one action type, never to a sum of several.
    """

    impressions = models.BigIntegerField(null=True)
    reach = models.BigIntegerField(null=True)
    clicks = models.BigIntegerField(null=True)
    inline_link_clicks = models.BigIntegerField(null=True)
    spend = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    conversions = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    conversion_value = models.DecimalField(max_digits=18, decimal_places=4, null=True)

    class Meta:
        abstract = True


class DailyFigures(Figures):
    """One object on one day of the ad account's own calendar."""

    campaign_id = models.CharField(max_length=32)
    date_start = models.DateField()
    cpm = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    cpc = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    ctr = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    conversion_action_type = models.CharField(max_length=80, blank=True)

    class Meta:
        abstract = True


class CampaignInsight(DailyFigures):
    ad_account = models.ForeignKey(
        "integrations.AdAccount", on_delete=models.CASCADE, db_index=False, related_name="insights"
    )
    campaign_name = models.CharField(max_length=400)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ad_account", "date_start", "campaign_id"],
                name="one_row_per_campaign_day",
            )
        ]

    def __str__(self) -> str:
        return f"{self.campaign_name} {self.date_start}"


class AdInsight(DailyFigures):
    """An ad of an ad set that we push to: ours, and those it runs beside."""

    ad_account = models.ForeignKey(
        "integrations.AdAccount",
        on_delete=models.CASCADE,
        db_index=False,
        related_name="ad_insights",
    )
    ad_set_id = models.CharField(max_length=32)
    ad_id = models.CharField(max_length=32)
    ad_name = models.CharField(max_length=400)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ad_account", "date_start", "ad_id"], name="one_row_per_ad_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.ad_name} {self.date_start}"


class AddedUp(models.Model):
    """Campaign rows added up, written with them, so that a long report need not read them all.

    Exact on every database: money and conversions in whole millionths. NULL means Meta said
    nothing for any of the rows.
    """

    COLUMNS: ClassVar = (
        "spend_millionths",
        "impressions",
        "clicks",
        "conversions_millionths",
        "conversion_value_millionths",
    )

    spend_millionths = models.BigIntegerField(null=True)
    impressions = models.BigIntegerField(null=True)
    clicks = models.BigIntegerField(null=True)
    conversions_millionths = models.BigIntegerField(null=True)
    conversion_value_millionths = models.BigIntegerField(null=True)

    class Meta:
        abstract = True


class AccountDay(AddedUp):
    """All campaigns of an ad account on one day. A day without any row has none here."""

    ad_account = models.ForeignKey(
        "integrations.AdAccount",
        on_delete=models.CASCADE,
        db_index=False,
        related_name="days_added_up",
    )
    day = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ad_account", "day"], name="one_sum_per_account_day")
        ]

    def __str__(self) -> str:
        return f"{self.day}"


class CampaignMonth(AddedUp):
    """One campaign in one month of the ad account's calendar, as far as its days were read."""

    ad_account = models.ForeignKey(
        "integrations.AdAccount",
        on_delete=models.CASCADE,
        db_index=False,
        related_name="months_added_up",
    )
    month = models.DateField(help_text="its first day")
    campaign_id = models.CharField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ad_account", "month", "campaign_id"], name="one_sum_per_campaign_month"
            )
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.month:%B %Y}"


class InsightDay(models.Model):
    """A day that was read to its end, and as of when. Without this mark it is not complete."""

    class Level(models.TextChoices):
        CAMPAIGN = "campaign", "Campaigns"
        AD = "ad", "Ads"

    ad_account = models.ForeignKey(
        "integrations.AdAccount",
        on_delete=models.CASCADE,
        db_index=False,
        related_name="insight_days",
    )
    level = models.CharField(max_length=10, choices=Level.choices)
    day = models.DateField()
    read_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ad_account", "level", "day"], name="one_mark_per_insight_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_level_display()} {self.day}"


class InsightRevision(Figures):
    """What a campaign's day said before Meta restated it.

    Only days that were over when they were read count; all figures are NULL where there was no row.
    """

    KEPT: ClassVar = timedelta(days=90)

    ad_account = models.ForeignKey(
        "integrations.AdAccount",
        on_delete=models.CASCADE,
        db_index=False,
        related_name="insight_revisions",
    )
    campaign_id = models.CharField(max_length=32)
    date_start = models.DateField()
    noted_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["ad_account", "noted_at"], name="revisions_newest")]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.date_start}, until {self.noted_at:%Y-%m-%d %H:%M}"


class RangeReach(models.Model):
    """How many people a range of days reached, as Meta counts them: days do not add up."""

    KEPT: ClassVar = timedelta(days=30)

    ad_account = models.ForeignKey(
        "integrations.AdAccount",
        on_delete=models.CASCADE,
        db_index=False,
        related_name="range_reach",
    )
    since = models.DateField()
    until = models.DateField()
    total = models.BigIntegerField(null=True)
    by_campaign = models.JSONField(default=dict)
    read_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ad_account", "since", "until"], name="one_reach_per_range"
            )
        ]

    def __str__(self) -> str:
        return f"{self.since} to {self.until}"

    @property
    def is_being_read(self) -> bool:
        """Whether a worker is at it, or Meta has told us to wait."""
        return self.lease_until is not None and self.lease_until > timezone.now()

    def is_current(self, complete_at: datetime | None, zone: str) -> bool:
        """Whether it was read after the days could no longer change, or with the last pull."""
        if self.read_at is None:
            return False
        if is_final(self.until, self.read_at, ZoneInfo(zone)):
            return True
        return complete_at is None or self.read_at >= complete_at


class InsightCheck(models.Model):
    """A month's stored campaigns against the total that Meta reports for the whole account."""

    ad_account = models.ForeignKey(
        "integrations.AdAccount",
        on_delete=models.CASCADE,
        db_index=False,
        related_name="insight_checks",
    )
    month = models.DateField(help_text="its first day")
    checked_at = models.DateTimeField(help_text="when it was last compared, or that was tried")
    matches = models.BooleanField(null=True, help_text="unknown: Meta could never be asked")
    error = models.CharField(
        max_length=300, blank=True, help_text="why Meta could not be asked the last time"
    )
    conversion_action_type = models.CharField(
        max_length=80, blank=True, help_text="what counts as a conversion in it"
    )
    # Metric to text, because JSON has no decimals.
    ours = models.JSONField(default=dict)
    metas = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ad_account", "month"], name="one_check_per_month")
        ]

    def __str__(self) -> str:
        return f"{self.month:%B %Y}: {self.verdict}"

    @property
    def verdict(self) -> str:
        """How the last comparison ended."""
        if self.error:
            return "could not be asked"
        return "equal" if self.matches else "different"
