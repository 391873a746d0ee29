"""Looking after 1,000 grants, one in twenty of them dead, with 100 ms for every answer of Meta's.

As one worker group does it: two workers, one job each at a time.
"""

from __future__ import annotations

import json
import resource
import tempfile
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from integrations.models import Integration
from integrations.sandbox.seed import BENCH_PERSON
from integrations.services.due import due_integrations
from integrations.services.tokens import refresh
from tests.bench.measure import Measure, seconds
from tests.bench.pull import stand_in
from tests.builders import make_integration, make_tenant

GRANTS, DEAD_EVERY = 1_000, 20


def run() -> list[Measure]:
    """The figures of this benchmark."""
    with tempfile.TemporaryDirectory() as folder, stand_in(Path(folder)) as base_url:
        settings.META_API_BASE_URL = base_url
        ends = timezone.now() + timedelta(days=3)
        for number in range(GRANTS):
            is_dead = number % DEAD_EVERY == 0
            token = "EAAnobody" if is_dead else _short_token(base_url)
            make_integration(
                make_tenant(f"tokens-{number}", "Tokens bench"),
                token=token,
                meta_user_id=BENCH_PERSON,
                expires_at=ends,
                granted_scopes=["ads_read"],
            )
        due = [row.pk for row in due_integrations()]
        before = _megabytes()
        took = seconds(lambda: _work_through(due))
        grown = _megabytes() - before
    renewed = Integration.objects.filter(tenant__slug__startswith="tokens-", version=2).count()
    dead = GRANTS // DEAD_EVERY
    return [
        Measure("tokens: 1,000 grants, 5 % dead", took, "s", 180),
        Measure("tokens: healthy grants not renewed", GRANTS - dead - renewed, "grants", 0),
        Measure("tokens: memory grown", grown, "MB", 30),
    ]


def _work_through(due: list[UUID]) -> None:
    def job(pk: UUID) -> None:
        try:
            refresh(integration_id=pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(int(settings.Q_CLUSTER["workers"])) as workers:
        list(workers.map(job, due))


def _short_token(base_url: str) -> str:
    request = urllib.request.Request(
        f"{base_url}/sandbox/control",
        json.dumps({"sign_in": {"user": BENCH_PERSON, "kind": "short"}}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        token: str = json.load(response)["result"]["sign_in"]
    return token


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
