"""One variant: its content, its texts, what was said and found out about it."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet

from approvals.models import (
    AdVariant,
    Comment,
    Decision,
    Preflight,
    Push,
    VariantRevision,
)
from approvals.states import PAST_PUSHES
from approvals.timeline import ACTS
from leadmetrics.audit.models import AuditEntry

COMMENTS = 100


def variants_with_content(tenant_id: int) -> QuerySet[AdVariant]:
    """A tenant's variants with text, image and everything the target names, in one query."""
    variants = AdVariant.objects.filter(tenant_id=tenant_id).select_related(
        "head",
        "head__image",
        "proposal",
        "tenant",
        "target__ad_set__campaign",
        "target__page",
        "target__ad_account__integration",
        "link_check",
    )
    # The answer to the whole submission, up to 200 items, and the words of the landing page would
    # come along with every single row.
    return variants.defer("proposal__answer", "link_check__page_text")


def revisions_of(variant: AdVariant) -> QuerySet[VariantRevision]:
    """Every text this variant had, newest first."""
    return variant.revisions.select_related("author", "image").order_by("-number")


def acts_on(variant: AdVariant) -> QuerySet[AuditEntry]:
    """The audit lines of what was done with it besides editing and deciding, newest first."""
    return AuditEntry.objects.filter(
        tenant_id=variant.tenant_id,
        object_type="advariant",
        object_id=str(variant.pk),
        action__in=ACTS,
    ).order_by("-seq")


def comments_on(variant: AdVariant) -> list[Comment]:
    """What people said about it, oldest first; of a very long talk the end."""
    newest = variant.comments.select_related("author", "revision").order_by("-number")
    return list(newest[:COMMENTS])[::-1]


def preflights_of(variant: AdVariant, content_hash: str) -> QuerySet[Preflight]:
    """What Meta said beforehand of the variant's target, then of exactly this content for it."""
    return Preflight.objects.filter(
        target_id=variant.target_id, content_hash__in=("", content_hash)
    ).order_by("content_hash")


def variants_with_feedback(tenant_id: int) -> QuerySet[AdVariant]:
    """Variants with what agents may learn: comments, decisions_newest_first, live_pushes."""
    return (
        AdVariant.objects.filter(tenant_id=tenant_id)
        .select_related("head")
        .prefetch_related(
            Prefetch(
                "decisions",
                Decision.objects.order_by("-created_at"),
                to_attr="decisions_newest_first",
            ),
            Prefetch("comments", Comment.objects.select_related("author", "revision")),
            Prefetch("pushes", Push.objects.exclude(state__in=PAST_PUSHES), to_attr="live_pushes"),
        )
    )
