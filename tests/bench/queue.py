"""The review queue with 1,000 and with 100,000 waiting ads, in one run."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.models import AdVariant
from leadmetrics.tenancy.models import Role
from tests.bench.measure import Measure, seconds
from tests.bench.review import add_variants
from tests.builders import client_for, make_member, make_push_target, make_tenant

FEW, MANY, ROUNDS = 1_000, 100_000, 60
QUERIES, SLOWER = 11, 1.3
SLUGS = {FEW: "queue-few", MANY: "queue-many"}


def run() -> list[Measure]:
    """Two workspaces side by side, asked in turns, so that a busy moment hits both."""
    clients = {}
    for size, slug in SLUGS.items():
        tenant = make_tenant(slug, slug)
        clients[size] = client_for(make_member(tenant, "Ben", Role.REVIEWER))
        add_variants(make_push_target(tenant), size)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    measures = []
    for what, asker in (("page", _page), ("filter form", _form), ("next card", _card)):
        asks = {size: asker(client, SLUGS[size]) for size, client in clients.items()}
        few, many = _p95_in_turns(asks[FEW], asks[MANY])
        measures += [
            Measure(f"queue: {what}, {MANY:,} against {FEW:,}", many / few, "x p95", SLOWER),
            Measure(f"queue: {what}, queries with {MANY:,}", _queries(asks[MANY]), "", QUERIES),
            Measure(f"queue: {what} with {MANY:,}", many * 1000, "ms p95"),
        ]
    return measures


def _page(client: Client, slug: str, query: str = "") -> Callable[[], None]:
    def ask() -> None:
        assert client.get(f"/t/{slug}/review/{query}").status_code == 200

    return ask


def _form(client: Client, slug: str) -> Callable[[], None]:
    """What one can filter by, while a filter is on."""
    return _page(client, slug, "?filter=1&agent=Copy+agent")


def _card(client: Client, slug: str) -> Callable[[], None]:
    """Each call opens the card after the last one, as the key j does, from the middle on."""
    waiting = AdVariant.objects.filter(tenant__slug=slug).order_by("queue_at", "pk")
    middle = waiting[waiting.count() // 2]
    place = {"url": f"/t/{slug}/review/{middle.pk}/"}

    def ask() -> None:
        answer = client.get(place["url"], headers={"HX-Request": "true"})
        assert answer.status_code == 200
        place["url"] = answer.context["next_url"]

    return ask


def _p95_in_turns(few: Callable[[], None], many: Callable[[], None]) -> tuple[float, float]:
    few(), many()
    # What benchmarks made before is no garbage of these pages; looking through it would be timed.
    gc.collect()
    gc.freeze()
    pairs = [(seconds(few), seconds(many)) for _ in range(ROUNDS)]
    cuts = [statistics.quantiles(times, n=20)[-1] for times in zip(*pairs, strict=True)]
    return cuts[0], cuts[1]


def _queries(ask: Callable[[], None]) -> int:
    """As the suite counts them, in whose tests no transaction begins or ends."""
    with CaptureQueriesContext(connection) as queries:
        ask()
    return sum(not query["sql"].startswith(("BEGIN", "COMMIT")) for query in queries)
