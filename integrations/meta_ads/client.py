"""The Meta Marketing API as this product uses it: one object per grant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from integrations.meta_ads import accounts, ads, insights, live, previews, reports, totals
from integrations.meta_ads.insights import DEFAULT_ACTION_TYPES
from integrations.meta_ads.transport import Transport
from integrations.meta_ads.types import (
    AccessToken,
    AccountState,
    AdAccountInfo,
    AdCreativeSpec,
    AdReview,
    AdSetInfo,
    AdSetPlan,
    AdState,
    CampaignInfo,
    Change,
    CreatedObject,
    CreativeState,
    CustomAudienceInfo,
    ImageUpload,
    InsightsPage,
    InsightsQuery,
    Me,
    PageInfo,
    RangeTotals,
    ReportState,
)


class MetaAdsClient:
    """Every call raises MetaError, and MetaTokenError when the token is no longer accepted.

    ``ad_account_id`` is act_<digits>. Lists are read to their end, page by page, as they are used.
    """

    def __init__(self, transport: Transport, token: AccessToken) -> None:
        self._transport = transport
        self._token = token

    @property
    def app_id(self) -> str:
        """The app that these calls are made through."""
        return self._transport.config.app_id

    @property
    def requests_sent(self) -> int:
        """How many requests were made, retries and failed ones too."""
        return self._transport.sent

    def me(self) -> Me:
        """The person behind the token."""
        return accounts.read_me(self._transport, self._token)

    def list_ad_accounts(self) -> Iterator[AdAccountInfo]:
        """Every ad account the person can reach."""
        return accounts.list_ad_accounts(self._transport, self._token)

    def list_business_ad_accounts(self) -> Iterator[AdAccountInfo]:
        """Ad accounts that the person's businesses own or work on for clients."""
        return accounts.list_business_ad_accounts(self._transport, self._token)

    def ads_per_ad_set(self, ad_account_id: str) -> Mapping[str, int]:
        """Ads per ad set id that count against Meta's limit of 50."""
        return accounts.ads_per_ad_set(self._transport, self._token, ad_account_id)

    def list_pages(self) -> Iterator[PageInfo]:
        """Every Page the person manages."""
        return accounts.list_pages(self._transport, self._token)

    def list_campaigns(self, ad_account_id: str) -> Iterator[CampaignInfo]:
        """Campaigns that are neither archived nor deleted."""
        return accounts.list_campaigns(self._transport, self._token, ad_account_id)

    def list_ad_sets(self, ad_account_id: str) -> Iterator[AdSetInfo]:
        """Ad sets that are neither archived nor deleted."""
        return accounts.list_ad_sets(self._transport, self._token, ad_account_id)

    def list_custom_audiences(self, ad_account_id: str) -> Iterator[CustomAudienceInfo]:
        """Custom audiences with Meta's size estimate and state."""
        return accounts.list_custom_audiences(self._transport, self._token, ad_account_id)

    def get_campaign_insights(
        self,
        ad_account_id: str,
        since: date,
        until: date,
        *,
        action_types: Sequence[str] = DEFAULT_ACTION_TYPES,
    ) -> Iterator[InsightsPage]:
        """Daily rows of every campaign; both days included, in the account's calendar."""
        return insights.get_campaign_insights(
            self._transport, self._token, ad_account_id, since, until, action_types
        )

    def read_insights_page(
        self, query: InsightsQuery, *, after: str, limit: int, report_id: str = ""
    ) -> InsightsPage:
        """One page of daily rows, or of a report that is ready."""
        return insights.read_insights_page(
            self._transport, self._token, query, after=after, limit=limit, report_id=report_id
        )

    def start_report(self, query: InsightsQuery) -> str:
        """The id of a report that Meta prepares."""
        return reports.start_report(self._transport, self._token, query)

    def read_report_state(self, report_id: str) -> ReportState:
        """How far that report is."""
        return reports.read_report_state(self._transport, self._token, report_id)

    def get_range_totals(
        self,
        ad_account_id: str,
        since: date,
        until: date,
        *,
        level: str,
        action_types: Sequence[str] = DEFAULT_ACTION_TYPES,
    ) -> Iterator[RangeTotals]:
        """The whole range in one figure each, by campaign or for the account."""
        return totals.get_range_totals(
            self._transport,
            self._token,
            ad_account_id,
            since,
            until,
            level=level,
            action_types=action_types,
        )

    def upload_ad_image(self, ad_account_id: str, *, filename: str, content: bytes) -> ImageUpload:
        """The image's hash in this ad account."""
        return ads.upload_ad_image(
            self._transport, self._token, ad_account_id, filename=filename, content=content
        )

    def read_preview(self, ad_account_id: str, spec: AdCreativeSpec, ad_format: str) -> str:
        """The address of the frame in which Meta draws this content; creates nothing."""
        return previews.read_preview(self._transport, self._token, ad_account_id, spec, ad_format)

    def create_ad_creative(self, ad_account_id: str, spec: AdCreativeSpec) -> CreatedObject:
        """A creative with this content and every text-changing enhancement off."""
        return ads.create_ad_creative(self._transport, self._token, ad_account_id, spec)

    def create_ad(
        self, ad_account_id: str, *, name: str, ad_set_id: str, creative_id: str, label: str = ""
    ) -> CreatedObject:
        """A new ad, always PAUSED."""
        return ads.create_ad(
            self._transport,
            self._token,
            ad_account_id,
            name=name,
            ad_set_id=ad_set_id,
            creative_id=creative_id,
            label=label,
        )

    def validate_ad(self, ad_account_id: str, spec: AdCreativeSpec, *, ad_set_id: str) -> None:
        """Let Meta check an ad without creating anything."""
        ads.validate_ad(self._transport, self._token, ad_account_id, spec, ad_set_id=ad_set_id)

    def pause_ad(self, ad_id: str) -> None:
        """Set an ad to PAUSED."""
        ads.pause_ad(self._transport, self._token, ad_id)

    def get_ad(self, ad_id: str) -> AdState:
        """The ad as it is stored now."""
        return ads.get_ad(self._transport, self._token, ad_id)

    def get_ad_with_creative(self, ad_id: str) -> tuple[AdState, CreativeState]:
        """The ad and its creative as they are stored now."""
        return ads.get_ad_with_creative(self._transport, self._token, ad_id)

    def get_creative(self, creative_id: str) -> CreativeState:
        """The creative's content as it is stored now."""
        return ads.get_creative(self._transport, self._token, creative_id)

    def find_ads(self, ad_account_id: str, *, label: str, name: str) -> tuple[AdState, ...]:
        """The ads that carry this name or label."""
        return ads.find_ads(self._transport, self._token, ad_account_id, label=label, name=name)

    def list_ads_of(self, ad_set_id: str) -> tuple[AdState, ...]:
        """The ads of an ad set."""
        return ads.list_ads_of(self._transport, self._token, ad_set_id)

    def find_creatives(self, ad_account_id: str, *, label: str) -> tuple[CreatedObject, ...]:
        """The creatives that carry this label."""
        return ads.find_creatives(self._transport, self._token, ad_account_id, label=label)

    def get_ad_review(self, ad_id: str) -> AdReview:
        """Meta's verdict on the ad, and what keeps it from delivering."""
        return live.get_ad_review(self._transport, self._token, ad_id)

    def get_ad_set_plan(self, ad_set_id: str, *, count_to: int = 0) -> AdSetPlan:
        """The ad set's budget and schedule, with its campaign's; its ads counted if asked."""
        return live.get_ad_set_plan(self._transport, self._token, ad_set_id, count_to=count_to)

    def get_account_state(self, ad_account_id: str) -> AccountState:
        """Whether the ad account can run ads."""
        return live.get_account_state(self._transport, self._token, ad_account_id)

    def list_changes(self, ad_account_id: str, ad_id: str, since: datetime) -> tuple[Change, ...]:
        """Who changed the ad since then, newest first."""
        return live.list_changes(self._transport, self._token, ad_account_id, ad_id, since)

    def revoke_permissions(self) -> None:
        """Disconnect the app from the person's Facebook account."""
        # Graph API reference: User, Permissions
        self._transport.delete("me/permissions", self._token)
