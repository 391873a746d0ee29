"""What the client takes and gives: frozen values, never dictionaries."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple, NoReturn

_TOKEN = re.compile(r"[A-Za-z0-9_|.\-]+")


class AccessToken:
    """A token that prints as dots and refuses to be pickled or copied into JSON."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        value = value.strip()
        if not _TOKEN.fullmatch(value):
            raise ValueError("This is not an access token.")
        self._value = value

    def reveal(self) -> str:
        """The token in clear. Only the transport and the vault may ask."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccessToken) and hmac.compare_digest(other._value, self._value)

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("A token cannot be pickled.")


def _nobody(_what: str) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class MetaConfig:
    """The app and where Graph is. Timeouts and the deadline of a whole call are in seconds.

    While the app secret is being replaced, ``previous_secret`` is tried once where Meta refuses the
    current one; ``on_previous_secret`` hears what needed it, and must not raise.
    """

    app_id: str
    app_secret: str = field(repr=False)
    api_version: str
    base_url: str
    dialog_url: str
    connect_timeout: float = 5.0
    read_timeout: float = 20.0
    deadline: float = 30.0
    previous_secret: str = field(default="", repr=False)
    on_previous_secret: Callable[[str], None] = field(default=_nobody, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """A token just issued; ``expires_in`` in seconds, None when Meta did not say."""

    token: AccessToken
    expires_in: int | None


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What debug_token says. ``expires_at`` None means never, a ``granular`` None all assets."""

    is_valid: bool
    app_id: str
    user_id: str
    type: str
    scopes: tuple[str, ...]
    expires_at: datetime | None
    data_access_expires_at: datetime | None
    granular: Mapping[str, tuple[str, ...] | None]
    error_code: int | None
    error_subcode: int | None


@dataclass(frozen=True, slots=True)
class Me:
    """The person behind the token; the id is app-scoped."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class AdAccountInfo:
    """An ad account; ``id`` is act_<digits>."""

    id: str
    name: str
    account_status: int
    disable_reason: int
    currency: str
    timezone_name: str
    business_id: str
    business_name: str
    user_tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PageInfo:
    """A Page the person manages. Its own access token is never kept."""

    id: str
    name: str
    tasks: tuple[str, ...]
    instagram_account_id: str


@dataclass(frozen=True, slots=True)
class CampaignInfo:
    id: str
    name: str
    status: str
    effective_status: str
    objective: str


@dataclass(frozen=True, slots=True)
class AdSetInfo:
    id: str
    campaign_id: str
    name: str
    status: str
    effective_status: str
    optimization_goal: str
    destination_type: str
    is_dynamic_creative: bool
    dsa_beneficiary: str
    dsa_payor: str


@dataclass(frozen=True, slots=True)
class CustomAudienceInfo:
    """A custom audience; the bounds are Meta's estimate, None when it gives none."""

    id: str
    name: str
    subtype: str
    lower_bound: int | None
    upper_bound: int | None
    delivery_code: int | None
    delivery_description: str
    operation_code: int | None
    time_updated: datetime | None


class InsightRow(NamedTuple):
    """One campaign, or one of its ads, on one day of the account's calendar.

    None means Meta left the metric out. Money is in the account's currency, major units.
    ``conversions`` and ``conversion_value`` belong to the one action type named in
    ``conversion_type``, never to a sum of several. A tuple, because there are hundreds of thousands
    and a frozen dataclass takes four times as long to make.
    """

    campaign_id: str
    campaign_name: str
    date_start: date
    date_stop: date
    impressions: int | None
    reach: int | None
    clicks: int | None
    inline_link_clicks: int | None
    spend: Decimal | None
    cpm: Decimal | None
    cpc: Decimal | None
    ctr: Decimal | None
    conversions: Decimal | None
    conversion_value: Decimal | None
    conversion_type: str
    account_currency: str = ""
    ad_set_id: str = ""
    ad_id: str = ""
    ad_name: str = ""


@dataclass(frozen=True, slots=True)
class InsightsQuery:
    """Which rows are wanted: one per day and object, both days included.

    ``level`` is campaign or ad; ``ad_set_ids``, if any, narrow it to these ad sets.
    """

    ad_account_id: str
    level: str
    since: date
    until: date
    action_types: tuple[str, ...]
    ad_set_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InsightsPage:
    """One page of rows; ``after`` is the cursor of the next one, empty after the last."""

    rows: tuple[InsightRow, ...]
    after: str

    @property
    def is_last(self) -> bool:
        return not self.after


@dataclass(frozen=True, slots=True)
class ReportState:
    """How far Meta is with a report it prepares."""

    is_ready: bool
    has_failed: bool


@dataclass(frozen=True, slots=True)
class RangeTotals:
    """A whole range of days in one figure each; None means Meta left the metric out."""

    campaign_id: str
    impressions: int | None
    reach: int | None
    clicks: int | None
    inline_link_clicks: int | None
    spend: Decimal | None
    conversions: Decimal | None
    conversion_value: Decimal | None
    conversion_action_type: str


@dataclass(frozen=True, slots=True)
class UsageSnapshot:
    """The worst of the usage headers: percent of a budget, and seconds until it is free again.

    ``tier`` is the app's access tier as Meta names it, empty when no header does.
    """

    percent: float
    wait_seconds: float
    tier: str = field(default="", compare=False)

    @property
    def is_used_up(self) -> bool:
        """Whether nothing may be asked before the budget is free again."""
        return self.wait_seconds > 0 or self.percent >= 100


@dataclass(frozen=True, slots=True)
class ImageUpload:
    """An image in the ad account's library; the hash identifies its content there."""

    hash: str
    name: str


@dataclass(frozen=True, slots=True)
class CreatedObject:
    id: str


@dataclass(frozen=True, slots=True)
class AdCreativeSpec:
    """The content of an ad creative. ``label`` becomes an ad label, to find it again."""

    name: str
    page_id: str
    message: str
    headline: str
    description: str
    link: str
    call_to_action: str
    image_hash: str = ""
    instagram_user_id: str = ""
    url_tags: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class AdState:
    """An ad as Meta stores it; ``account_id`` is act_<digits>."""

    id: str
    name: str
    adset_id: str
    account_id: str
    creative_id: str
    configured_status: str
    effective_status: str
    label_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CreativeState:
    """A creative's content as Meta stores it; absent texts are empty."""

    id: str
    name: str
    page_id: str
    message: str
    headline: str
    description: str
    link: str
    call_to_action: str
    cta_link: str
    image_hash: str
    url_tags: str
    instagram_user_id: str
    enrolled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Remark:
    """One reason of Meta's ad review: the policy's title and its explanation, in Meta's words."""

    policy: str
    text: str


@dataclass(frozen=True, slots=True)
class Issue:
    """Something that keeps an ad from delivering; ``is_hard`` means that it cannot run at all."""

    level: str
    code: int | None
    summary: str
    message: str
    is_hard: bool


@dataclass(frozen=True, slots=True)
class AdReview:
    """Where an ad stands at Meta. A status we do not know is kept as it came."""

    configured_status: str
    effective_status: str
    remarks: tuple[Remark, ...]
    issues: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class AccountState:
    """Whether an ad account can run ads, and its defaults for who benefits and who pays."""

    account_status: int
    dsa_beneficiary: str
    dsa_payor: str


@dataclass(frozen=True, slots=True)
class AdSetPlan:
    """What an ad will spend and when. Budgets are in the smallest unit as Meta counts it.

    ``ads`` is 0 unless they were to be counted.
    """

    id: str
    name: str
    ads: int
    account_id: str
    status: str
    effective_status: str
    daily_budget: Decimal | None
    lifetime_budget: Decimal | None
    starts_at: datetime | None
    ends_at: datetime | None
    is_dynamic_creative: bool
    dsa_beneficiary: str
    dsa_payor: str
    countries: tuple[str, ...]
    campaign_name: str
    campaign_status: str
    campaign_daily_budget: Decimal | None
    campaign_lifetime_budget: Decimal | None


@dataclass(frozen=True, slots=True)
class Change:
    """One line of an ad account's activity log; ``application_id`` is empty for Ads Manager."""

    event: str
    at: datetime
    who: str
    application_id: str
