"""Narrowing the queue by campaign, author, due time and warnings; who else is here."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from approvals.models import AdVariant
from tests.approvals.conftest import COPY, propose
from tests.approvals.pages import HTMX, review, words
from tests.builders import client_for, make_push_target


@pytest.fixture
def as_ben(ben):
    return client_for(ben)


def headlines(response) -> list[str]:
    return [row.head.headline for row, _, _ in response.context["rows"]]


def test_one_campaign_or_one_author(as_ben, acme, agent, target):
    propose(agent, target, replace(COPY, headline="Spring"))
    elsewhere = make_push_target(acme)
    propose(replace(agent, label="Other agent"), elsewhere, replace(COPY, headline="Autumn"))
    campaign = {"campaign": str(elsewhere.ad_set.campaign_id)}
    assert headlines(as_ben.get(review("queue"), campaign)) == ["Autumn"]
    assert headlines(as_ben.get(review("queue"), {"agent": "Copy agent"})) == ["Spring"]
    page = as_ben.get(review("queue"), {"campaign": "x", "agent": "", "show": "nonsense"})
    assert headlines(page) == ["Spring", "Autumn"]
    assert "fit" not in page.context["desk"].url()


def test_overdue_due_today_and_with_warnings(as_ben, agent, target):
    old, new = (propose(agent, target, replace(COPY, headline=name)) for name in ("Old", "New"))
    loud = propose(agent, target, replace(COPY, headline="BUY TENTS NOW TODAY"))
    long_ago = timezone.now() - timedelta(hours=25)
    AdVariant.objects.filter(pk=old.pk).update(created_at=long_ago)
    page = as_ben.get(review("queue"), {"show": "overdue"})
    assert headlines(page) == ["Old"]
    assert "Overdue" in page.content.decode()
    assert "Old" in headlines(as_ben.get(review("queue"), {"show": "today"}))
    assert headlines(as_ben.get(review("queue"), {"show": "warnings"})) == [loud.head.headline]
    assert new.head.headline in headlines(as_ben.get(review("queue")))


def test_who_else_has_it_open(as_ben, rita, variant):
    as_ben.get(review("variant", variant), headers={**HTMX, "X-Prefetch": "1"})
    assert "is here" not in words(client_for(rita).get(review("variant", variant)))
    assert "Rita is here" in words(as_ben.get(review("variant", variant)))
    assert "Ben is here" in words(client_for(rita).get(review("variant", variant)))


def test_what_is_put_off_stands_at_the_end(as_ben, agent, target):
    first, _ = (propose(agent, target, replace(COPY, headline=name)) for name in ("One", "Two"))
    answer = as_ben.post(review("defer", first), headers=HTMX)
    assert answer.context["card"]["revision"].headline == "Two"
    assert headlines(as_ben.get(review("queue"))) == ["Two", "One"]
