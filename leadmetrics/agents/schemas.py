"""What agents send and receive. Unknown fields are refused, so none can smuggle in a status."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from ninja import Schema
from pydantic import ConfigDict, Field

ShortText = Annotated[str, Field(max_length=100)]
LIST_SIZE, LONGEST_LIST = 100, 200
CURSOR = "next_cursor of the last answer; leave it out to begin."
Cursor = Annotated[str, Field(max_length=100, description=CURSOR)]
Limit = Annotated[
    int, Field(ge=1, le=LONGEST_LIST, description=f"How many at most, up to {LONGEST_LIST}.")
]


class VariantIn(Schema):
    """One proposed ad. Missing or broken texts are answered per item, not for the whole request."""

    model_config = ConfigDict(extra="forbid")

    client_ref: ShortText = Field(description="Your own id; comes back with the result.")
    target_id: str = Field(description="A push target's id from GET /push-targets.")
    primary_text: str = ""
    headline: str = ""
    description: str = ""
    link: str = Field("", description="Empty: the push target's default link.")
    call_to_action: str = ""
    image_base64: str = Field("", description="A PNG or JPEG file of at most 8 MB, base64.")
    rationale: str = Field("", max_length=2000, description="Why; reviewers read it.")


class RevisionIn(Schema):
    """The next version of a variant for which people asked for changes. Its image stays."""

    model_config = ConfigDict(extra="forbid")

    primary_text: str
    headline: str
    description: str = ""
    link: str
    call_to_action: str


class ProposalIn(Schema):
    """A batch of 1 to 200 variants, and where they come from."""

    model_config = ConfigDict(extra="forbid")

    variants: Annotated[list[VariantIn], Field(min_length=1, max_length=200)]
    run_id: ShortText = ""
    model: ShortText = ""
    brief: str = Field("", max_length=5000)


class ProblemItem(Schema):
    """One problem of one field; ``start`` and ``end`` count characters after NFC."""

    code: str
    field: str
    message: str
    severity: str = "block"
    start: int | None = None
    end: int | None = None
    words: str | None = None
    limit: int | None = None
    found: int | None = None


class ItemOut(Schema):
    """What became of one item: ``status`` is proposed or refused."""

    client_ref: str
    id: str | None
    status: str
    errors: list[ProblemItem]
    warnings: list[ProblemItem]


class ProposalOut(Schema):
    """The per-item results, in the order sent."""

    replayed: bool
    results: list[ItemOut]


class Problem(Schema):
    """RFC 9457 problem details."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    errors: list[ProblemItem] = Field(default_factory=list)


class CommentOut(Schema):
    """What a person said about a version of a variant, perhaps about some of its words."""

    author: str
    text: str
    field: str
    words: str
    version: int
    created_at: datetime


class FeedbackOut(Schema):
    """Where one variant is, what people said about it, and what the checks warn of.

    ``warnings`` are about the newest version; opening its link may add some after a minute or two.
    """

    id: str
    client_ref: str
    status: str
    status_label: str
    reason_code: str
    comment: str
    comments: list[CommentOut]
    edited_by_people: bool
    primary_text: str
    headline: str
    description: str
    link: str
    call_to_action: str
    warnings: list[ProblemItem]
    ad_id: str | None
    updated_at: datetime


class FeedbackPage(Schema):
    """Changed variants, oldest change first; pass ``next_cursor`` to go on from here."""

    variants: list[FeedbackOut]
    next_cursor: str


class AdAccountOut(Schema):
    """An enabled ad account."""

    id: str
    name: str
    currency: str
    timezone: str
    status: str
    can_run_ads: bool


class PushTargetOut(Schema):
    """A place where approved ads go.

    ``state`` is the ad set's, in words; ``ads_left`` is how many ads it still takes, null until
    they were counted.
    """

    id: str
    name: str
    ad_account_id: str
    campaign: str
    ad_set: str
    page: str
    ads_left: int | None
    state: str
    state_detail: str
    default_link: str
    limits: dict[str, int]
    call_to_actions: list[str]


class AudienceOut(Schema):
    """A custom audience; the bounds are Meta's estimate, absent when it gives none.

    ``state`` says in words whether ads can run to it, for instance "Ready" or "Too small".
    """

    id: str
    ad_account_id: str
    name: str
    subtype: str
    size_from: int | None
    size_to: int | None
    delivery_code: int | None
    state: str
    state_detail: str


class AdAccountsPage(Schema):
    """Ad accounts; pass ``next_cursor`` to go on, empty at the end."""

    ad_accounts: list[AdAccountOut]
    next_cursor: str


class PushTargetsPage(Schema):
    """Push targets; pass ``next_cursor`` to go on, empty at the end."""

    push_targets: list[PushTargetOut]
    next_cursor: str


class AudiencesPage(Schema):
    """Custom audiences; pass ``next_cursor`` to go on, empty at the end."""

    audiences: list[AudienceOut]
    next_cursor: str


class InsightOut(Schema):
    """One campaign on one day of the ad account's calendar; null means Meta did not say.

    The figures are as of ``read_at``; Meta changes them until ``is_final``. Reach is not here,
    because it does not add up over days or campaigns.
    """

    ad_account_id: str
    campaign_id: str
    campaign_name: str
    day: date
    currency: str
    impressions: int | None
    clicks: int | None
    spend: Decimal | None
    conversions: Decimal | None
    conversion_value: Decimal | None
    conversion_action_type: str
    read_at: datetime | None
    is_final: bool


class InsightsPage(Schema):
    """Rows by day and campaign; pass ``next_cursor`` to go on, empty at the end."""

    insights: list[InsightOut]
    next_cursor: str
