"""The review page with 1,000 and with 10,000 variants waiting."""

from __future__ import annotations

import statistics

from django.db import connection
from django.db.models import OuterRef, Subquery
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.models import AdVariant, VariantRevision
from integrations.models import PushTarget
from leadmetrics.tenancy.models import Role
from tests.bench.measure import Measure, seconds
from tests.builders import (
    COPY,
    client_for,
    make_member,
    make_proposal,
    make_push_target,
    make_tenant,
)

FEW, MANY, ROUNDS = 1_000, 10_000, 21
URL = "/t/review-bench/review/"


def run() -> list[Measure]:
    """The figures of this benchmark."""
    tenant = make_tenant("review-bench", "Review bench")
    reviewer = client_for(make_member(tenant, "Ben", Role.REVIEWER))
    target = make_push_target(tenant)
    add_variants(target, FEW)
    few, few_queries = look(reviewer)
    add_variants(target, MANY - FEW)
    many, many_queries = look(reviewer)
    return [
        Measure(f"review: page with {MANY:,} against {FEW:,}", many / few, "ratio", 2.0),
        Measure(f"review: more queries with {MANY:,}", many_queries - few_queries, "queries", 0),
        Measure(f"review: queries with {MANY:,}", many_queries, "queries", 11),
        Measure(f"review: page with {FEW:,}", few * 1000, "ms"),
        Measure(f"review: page with {MANY:,}", many * 1000, "ms"),
    ]


def add_variants(target: PushTarget, count: int) -> None:
    """Waiting variants with one revision each."""
    proposal = make_proposal(target.tenant)
    variants = AdVariant.objects.bulk_create(
        (
            AdVariant(
                tenant=target.tenant,
                target=target,
                proposal=proposal,
                account_group=target.ad_account_id,
                campaign_group=target.ad_set.campaign_id,
                submitted_by=proposal.submitted_by,
            )
            for _ in range(count)
        ),
        batch_size=1000,
    )
    VariantRevision.objects.bulk_create(
        (
            VariantRevision(
                variant=variant,
                number=1,
                primary_text=COPY.primary_text,
                headline=f"{COPY.headline} {number}",
                description=COPY.description,
                link=COPY.link,
                call_to_action=COPY.call_to_action,
                content_hash=f"{number:064x}",
                author_kind="agent",
                author_label="Copy agent",
            )
            for number, variant in enumerate(variants)
        ),
        batch_size=1000,
    )
    own = VariantRevision.objects.filter(variant=OuterRef("pk")).values("pk")[:1]
    AdVariant.objects.filter(head=None).update(head=Subquery(own))


def look(reviewer: Client) -> tuple[float, int]:
    """The median time of the page in seconds, and its number of queries."""

    def get() -> None:
        assert reviewer.get(URL, follow=True).status_code == 200

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    get()
    with CaptureQueriesContext(connection) as queries:
        get()
    count = len(queries)  # the next request empties what was captured
    return statistics.median(seconds(get) for _ in range(ROUNDS)), count
