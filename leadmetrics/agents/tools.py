"""The one list of things an agent can do. The JSON API only carries them.

Nothing here can decide, push or activate; the import contracts keep it so.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from approvals.limits import CALLS_TO_ACTION, RECOMMENDED, AdCopy
from approvals.models import AdVariant, Decision
from approvals.selectors.variants import variants_with_feedback
from approvals.services.propose import (
    ProposalInput,
    ProposeResult,
    VariantInput,
    propose_variants,
    withdraw_variant,
)
from approvals.services.revise import revise_variant
from integrations.insight_models import is_final
from integrations.models import AdAccount, CampaignInsight, CustomAudience, PushTarget
from integrations.selectors.performance import complete_days
from integrations.selectors.places import enabled_accounts
from leadmetrics.agents import schemas
from leadmetrics.errors import InvalidInput
from leadmetrics.reports.accounts import day_begun_anywhere, report_accounts
from leadmetrics.reports.audiences import audience_state
from leadmetrics.reports.catalog import ad_set_state, ads_left
from leadmetrics.reports.periods import custom_period
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant

PAGE_SIZE = 100
INSIGHTS_PAGE_SIZE = 500
M = TypeVar("M", bound=Model)
_SETTLE = timedelta(seconds=2)
NO_IMAGE = b"?"  # what an undecodable image becomes; the image check refuses it by name


class BadCursor(InvalidInput):
    code = "bad_cursor"
    user_message = (
        "This cursor is not one of ours. Pass next_cursor as the last answer gave it, or leave it "
        "out to begin again."
    )


def propose(
    actor: Actor, proposal: schemas.ProposalIn, *, idempotency_key: str, request_hash: str
) -> ProposeResult:
    """Propose variants for human review. See services.propose.propose_variants."""
    items = [
        VariantInput(
            client_ref=item.client_ref,
            target_id=item.target_id,
            copy=AdCopy(
                item.primary_text,
                item.headline,
                item.description,
                item.link,
                item.call_to_action,
            ),
            rationale=item.rationale,
            image=_decode(item.image_base64),
        )
        for item in proposal.variants
    ]
    return propose_variants(
        actor=actor,
        proposal=ProposalInput(
            items=items,
            run_id=proposal.run_id,
            model=proposal.model,
            brief=proposal.brief,
            idempotency_key=idempotency_key,
            request_hash=request_hash,
        ),
    )


def withdraw(actor: Actor, variant_id: UUID) -> schemas.FeedbackOut:
    """Take back a variant that nobody has decided yet."""
    withdraw_variant(actor=actor, variant_id=variant_id)
    return _feedback(variants_with_feedback(actor.tenant_id).get(pk=variant_id))


def revise(actor: Actor, variant_id: UUID, revision: schemas.RevisionIn) -> schemas.FeedbackOut:
    """Send the next version of a variant for which people asked for changes."""
    copy = AdCopy(
        revision.primary_text,
        revision.headline,
        revision.description,
        revision.link,
        revision.call_to_action,
    )
    revise_variant(actor=actor, variant_id=variant_id, copy=copy)
    return _feedback(variants_with_feedback(actor.tenant_id).get(pk=variant_id))


def feedback(actor: Actor, cursor: str) -> schemas.FeedbackPage:
    """Variants changed since the cursor, oldest change first. Raises InvalidInput."""
    # Transactions commit in another order than they begin; a cursor must not overtake a slow one.
    settled = timezone.now() - _SETTLE
    variants = variants_with_feedback(actor.tenant_id).filter(updated_at__lte=settled)
    variants = variants.order_by("updated_at", "pk")
    if cursor:
        at, pk = _read_cursor(cursor)
        variants = variants.filter(Q(updated_at__gt=at) | Q(updated_at=at, pk__gt=pk))
    page = list(variants[:PAGE_SIZE])
    return schemas.FeedbackPage(
        variants=[_feedback(variant) for variant in page],
        next_cursor=f"{page[-1].updated_at.isoformat()}_{page[-1].pk}" if page else cursor,
    )


def list_ad_accounts(actor: Actor, *, cursor: str, limit: int) -> schemas.AdAccountsPage:
    """The tenant's enabled ad accounts, each once. Raises InvalidInput for a foreign cursor."""
    rows, next_cursor = _page(_accounts(actor), cursor, limit)
    return schemas.AdAccountsPage(
        ad_accounts=[
            schemas.AdAccountOut(
                id=account.ad_account_id,
                name=account.name,
                currency=account.currency,
                timezone=account.timezone,
                status=account.status_label,
                can_run_ads=account.can_run_ads,
            )
            for account in rows
        ],
        next_cursor=next_cursor,
    )


def list_push_targets(actor: Actor, *, cursor: str, limit: int) -> schemas.PushTargetsPage:
    """Where variants can be proposed for, with the copy limits that apply. Raises InvalidInput."""
    targets = PushTarget.objects.filter(
        tenant_id=actor.tenant_id,
        archived_at=None,
        ad_account__enabled=True,
        **{f"{part}__gone_at": None for part in ("ad_account", "ad_set", "page")},
    ).select_related("ad_account", "ad_set__campaign", "page")
    rows, next_cursor = _page(targets, cursor, limit)
    return schemas.PushTargetsPage(
        push_targets=[
            schemas.PushTargetOut(
                id=str(target.pk),
                name=target.name,
                ad_account_id=target.ad_account.ad_account_id,
                campaign=target.ad_set.campaign.name,
                ad_set=target.ad_set.name,
                page=target.page.name,
                ads_left=ads_left(target.ad_set),
                state=(state := ad_set_state(target.ad_set)).label,
                state_detail=state.detail,
                default_link=target.default_link,
                limits=RECOMMENDED,
                call_to_actions=list(CALLS_TO_ACTION),
            )
            for target in rows
        ],
        next_cursor=next_cursor,
    )


def list_custom_audiences(actor: Actor, *, cursor: str, limit: int) -> schemas.AudiencesPage:
    """Custom audiences of the enabled ad accounts. Raises InvalidInput."""
    audiences = CustomAudience.objects.filter(
        ad_account__in=_accounts(actor), gone_at=None
    ).select_related("ad_account")
    rows, next_cursor = _page(audiences, cursor, limit)
    return schemas.AudiencesPage(
        audiences=[
            schemas.AudienceOut(
                id=audience.audience_id,
                ad_account_id=audience.ad_account.ad_account_id,
                name=audience.name,
                subtype=audience.subtype,
                size_from=audience.lower_bound,
                size_to=audience.upper_bound,
                delivery_code=audience.delivery_code,
                state=audience_state(audience).label,
                state_detail=audience_state(audience).detail,
            )
            for audience in rows
        ],
        next_cursor=next_cursor,
    )


def _accounts(actor: Actor) -> QuerySet[AdAccount]:
    return enabled_accounts(actor.tenant_id).filter(gone_at=None)


def _page(found: QuerySet[M], cursor: str, limit: int) -> tuple[list[M], str]:
    """At most ``limit`` rows after the cursor, by key, which no change of theirs moves."""
    rows = found.order_by("pk")
    if cursor:
        try:
            rows = rows.filter(pk__gt=found.model._meta.pk.to_python(cursor))
        except ValidationError:
            raise BadCursor from None
    page = list(rows[: limit + 1])
    return page[:limit], str(page[limit - 1].pk) if len(page) > limit else ""


def read_campaign_insights(
    actor: Actor, *, since: date, until: date, cursor: str
) -> schemas.InsightsPage:
    """Daily campaign rows between two days, both included. Raises InvalidInput."""
    tenant = Tenant.objects.get(pk=actor.tenant_id)
    accounts = report_accounts(tenant)
    newest = day_begun_anywhere(accounts, tenant)
    custom_period(since.isoformat(), until.isoformat(), today=newest)
    rows = (
        CampaignInsight.objects.filter(
            ad_account__in=[account.pk for account in accounts],
            date_start__range=(since, until),
        )
        .select_related("ad_account")
        .order_by("pk")
    )
    if cursor:
        if not cursor.isdecimal():
            raise BadCursor
        rows = rows.filter(pk__gt=int(cursor))
    page = list(rows[:INSIGHTS_PAGE_SIZE])
    marks = complete_days({row.ad_account_id for row in page}, since, until)
    return schemas.InsightsPage(
        insights=[_insight(row, marks) for row in page],
        next_cursor=str(page[-1].pk) if len(page) == INSIGHTS_PAGE_SIZE else "",
    )


def _insight(
    row: CampaignInsight, marks: Mapping[int, Mapping[date, datetime]]
) -> schemas.InsightOut:
    read_at = marks.get(row.ad_account_id, {}).get(row.date_start)
    zone = ZoneInfo(row.ad_account.timezone)
    return schemas.InsightOut(
        ad_account_id=row.ad_account.ad_account_id,
        campaign_id=row.campaign_id,
        campaign_name=row.campaign_name,
        day=row.date_start,
        currency=row.ad_account.currency,
        impressions=row.impressions,
        clicks=row.clicks,
        spend=row.spend,
        conversions=row.conversions,
        conversion_value=row.conversion_value,
        conversion_action_type=row.conversion_action_type,
        read_at=read_at,
        is_final=read_at is not None and is_final(row.date_start, read_at, zone),
    )


def _feedback(variant: AdVariant) -> schemas.FeedbackOut:
    head = variant.head
    assert head is not None
    decisions: Sequence[Decision] = variant.decisions_newest_first  # type: ignore[attr-defined]
    decision = decisions[0] if decisions else None
    pushes = variant.live_pushes  # type: ignore[attr-defined]
    return schemas.FeedbackOut(
        id=str(variant.pk),
        client_ref=variant.client_ref,
        status=variant.status,
        status_label=variant.get_status_display(),
        reason_code=decision.reason_code if decision else "",
        comment=decision.comment if decision else "",
        comments=[
            schemas.CommentOut(
                author=comment.author.name,
                text=comment.text,
                field=comment.field,
                words=comment.words,
                version=comment.revision.number,
                created_at=comment.created_at,
            )
            for comment in sorted(variant.comments.all(), key=lambda one: one.number)
        ],
        edited_by_people=head.author_id is not None and head.number > 1,
        primary_text=head.primary_text,
        headline=head.headline,
        description=head.description,
        link=head.link,
        call_to_action=head.call_to_action,
        warnings=[
            schemas.ProblemItem.model_validate(flag) for flag in (*head.flags, *variant.link_flags)
        ],
        ad_id=pushes[0].ad_id if pushes else None,
        updated_at=variant.updated_at,
    )


def _decode(image_base64: str) -> bytes:
    try:
        return base64.b64decode(image_base64, validate=True)
    except (binascii.Error, ValueError):
        return NO_IMAGE


def _read_cursor(cursor: str) -> tuple[datetime, UUID]:
    at, _, pk = cursor.partition("_")
    try:
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError
        return moment, UUID(pk)
    except ValueError:
        raise BadCursor from None
