"""Redis is away: people, agents and workers go on, and nobody takes the worker for dead."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse
from redis.exceptions import ConnectionError as Away

from approvals.models import WriteStop
from approvals.states import PushState
from leadmetrics import queue
from leadmetrics.processes import ClusterCheck
from leadmetrics.tenancy.models import Tenant
from leadmetrics.tenancy.services import may_try_sign_in
from tests.approvals.conftest import make_target_for, propose
from tests.approvals.live import approve_and_push, point_at
from tests.builders import client_for
from tests.conftest import StandIn
from tests.stack import free_ports


@pytest.fixture
def no_redis(settings: Any) -> None:
    """The settings that REDIS_URL makes, with nobody at the other end."""
    (port,) = free_ports(1)
    given = {"LOCATION": f"redis://127.0.0.1:{port}/0", "OPTIONS": {"socket_connect_timeout": 1}}
    settings.CACHES = {
        "default": {"BACKEND": "leadmetrics.cache.ForgivingRedisCache", **given},
        "queue": {"BACKEND": "django.core.cache.backends.redis.RedisCache", **given},
    }


def test_people_and_workers_go_on(
    no_redis: None, acme: Tenant, ana: Any, ben: Any, stand_in: StandIn
) -> None:
    Tenant.objects.update(undo_minutes=0)
    target = make_target_for(acme)
    point_at(stand_in, target)
    push = approve_and_push(propose(ana, target), ben)
    assert push.state == PushState.DONE
    queue.run_job("approvals.tasks.sweep_pushes")
    browser = client_for(ana)
    for address in ("home", "review:queue", "ads:list"):
        assert browser.get(reverse(address, args=[acme.slug])).status_code == 200
    assert (
        browser.post(
            reverse("sending:switch", args=[acme.slug]), {"act": "stop", "reason": "Stop!"}
        ).status_code
        == 302
    )
    assert WriteStop.objects.exists()


def test_limits_do_not_count_and_that_is_logged(
    no_redis: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        tries = [may_try_sign_in(email="ana@acme.example", address="1.2.3.4") for _ in range(9)]
    assert all(tries)
    assert "the cache is away: ConnectionError" in caplog.text
    assert cache.get("anything", "nothing") == "nothing"


def test_status_that_cannot_be_read_is_an_error_and_no_reason_to_start_anew(
    no_redis: None, db: None
) -> None:
    with pytest.raises(Away):
        queue.cluster_status(1)
    now = [0.0]
    check = ClusterCheck(stalled_after=90.0, most_held=4, clock=lambda: now[0])
    check.started()
    now[0] = 1000.0
    assert check.complaint(1) == ""
