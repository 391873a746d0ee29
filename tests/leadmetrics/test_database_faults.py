"""A database that is locked, full, read-only or gone: a clean 503, nothing half-done, then on."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from approvals.content import content_hash
from approvals.invariants import violations
from approvals.models import AdVariant, Decision, Push
from approvals.services.push import push_variant
from approvals.services.review import approve_variant
from approvals.states import PushState
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant
from tests.approvals.conftest import make_target_for, propose
from tests.approvals.live import point_at
from tests.approvals.services.test_push import later
from tests.builders import client_for
from tests.conftest import StandIn
from tests.prepared import postgres

ON_SQLITE = connection.vendor == "sqlite"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def waiting(acme: Tenant, ana: Actor, stand_in: StandIn) -> AdVariant:
    """The first of twelve ads that wait for a decision, their target at the stand-in."""
    Tenant.objects.update(undo_minutes=0)
    target = make_target_for(acme)
    point_at(stand_in, target)
    first, *_ = (propose(ana, target) for _ in range(12))
    return first


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def locked_by_another_process() -> Iterator[None]:
    execute("PRAGMA busy_timeout = 20")
    with contextlib.closing(sqlite3.connect(str(connection.settings_dict["NAME"]))) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.rollback()


@contextmanager
def read_only() -> Iterator[None]:
    on, off = (
        ("PRAGMA query_only = ON", "PRAGMA query_only = OFF")
        if ON_SQLITE
        else ("SET default_transaction_read_only = on", "SET default_transaction_read_only = off")
    )
    execute(on)
    yield
    execute(off)


@contextmanager
def full() -> Iterator[None]:
    """No page may be added, and there is none inside the file that is free."""
    execute("CREATE TABLE filling (text)")
    execute("VACUUM")
    execute("PRAGMA max_page_count = 1")  # as many as there are now
    yield
    execute("PRAGMA max_page_count = 1073741823")
    execute("DROP TABLE filling")


@contextmanager
def cut() -> Iterator[None]:
    """The server ends our connection, as in a restart."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    postgres(f"SELECT pg_terminate_backend({pid}, 5000)")
    yield
    connection.close()  # as Django does between two requests and the queue between two jobs


FAULTS: dict[str, Callable[[], Any]] = (
    {"locked": locked_by_another_process, "read-only": read_only, "full": full}
    if ON_SQLITE
    else {"read-only": read_only, "cut": cut}
)


def approval(variant: AdVariant) -> tuple[str, dict[str, str]]:
    shown = content_hash(variant.head, variant.target)
    address = reverse("review:approve", args=[variant.tenant.slug, variant.pk])
    return address, {"content_hash": shown}


@pytest.mark.parametrize("name", FAULTS)
def test_request_fails_clean_and_works_again_afterwards(
    waiting: AdVariant, ben: Actor, name: str
) -> None:
    """Rows still fit into a full database for a while; whatever does not fit leaves nothing."""
    browser = client_for(ben)
    browser.raise_request_exception = False
    approvals = [approval(variant) for variant in AdVariant.objects.all()]
    with FAULTS[name]():
        answers = [browser.post(*each) for each in approvals]
    failed = [answer for answer in answers if answer.status_code == 503]
    assert failed
    assert {answer.status_code for answer in answers} <= {302, 503}
    assert {answer["Retry-After"] for answer in failed} == {"5"}
    assert "The database cannot take anything at the moment" in failed[0].content.decode()
    assert Decision.objects.count() == Push.objects.count() == len(answers) - len(failed)
    assert violations() == []
    assert {browser.post(*each).status_code for each in approvals} <= {302, 409}
    assert Push.objects.count() == len(approvals)
    assert violations() == []


@pytest.mark.parametrize("name", FAULTS)
def test_agent_is_told_to_repeat_it(db: None, name: str, acme: Tenant) -> None:
    agent = Client(raise_request_exception=False, headers={"Authorization": "Bearer lm_x"})
    with FAULTS[name]():
        answer = agent.get("/api/v1/variants")
        if name in ("read-only", "full", "locked"):  # reading goes on
            assert answer.status_code == 401
        else:
            assert answer.status_code == 503
            assert answer["Content-Type"] == "application/problem+json"
            assert answer.json()["code"] == "unavailable"


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "full"])
def test_push_that_meets_it_midway_goes_on_and_doubles_nothing(
    waiting: AdVariant, ben: Actor, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It begins when Meta has the ad and the answer is to be written down."""
    fault = FAULTS[name]()
    shown = content_hash(waiting.head, waiting.target)
    approve_variant(actor=ben, variant_id=waiting.pk, shown_hash=shown)
    push = Push.objects.get()

    def strikes(point: str) -> None:
        if point == "ad.answered":
            fault.__enter__()

    monkeypatch.setattr("leadmetrics.crash_points.handler", strikes)
    with pytest.raises(Exception, match=r"(?i)lock|readonly|read-only|full|terminat|closed"):
        push_variant(push_id=push.pk)
    monkeypatch.undo()
    fault.__exit__(None, None, None)
    for seconds in (100, 300, 500):
        with later(seconds):
            push_variant(push_id=push.pk)
    push.refresh_from_db()
    assert push.state == PushState.DONE, push.problem
    ads = [ad for ad in stand_in.read("state")["ads"] if push.reference in ad["name"]]
    assert len(ads) == 1
    assert violations() == []
