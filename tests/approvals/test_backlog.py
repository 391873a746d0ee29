"""How long what waits will take, by what Meta allows in each ad account."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from approvals.backlog import backlogs
from approvals.models import Push
from approvals.selectors.pushed import AccountBacklog, account_backlogs
from integrations.meta_ads.types import UsageSnapshot
from integrations.services.allowance import FULL_TIER, allowance_of
from integrations.services.pacing import Lane
from tests.approvals.pages import ads, words
from tests.builders import client_for, make_decision, make_push, make_variant


def of(waiting: int, **more) -> list[str]:
    account = AccountBacklog("act_1", "Acme", waiting, more.get("until"))
    return [backlog.words for backlog in backlogs([account])]


@pytest.mark.parametrize(("waiting", "minutes"), [(14, 7), (2, 1), (200, 100)])
def test_the_smallest_tier_is_assumed_until_meta_names_another(waiting, minutes):
    (said,) = of(waiting)
    assert said.startswith(f"{waiting} waiting, about {minutes} minute")
    assert said.endswith("because Meta allows 20 writes in 5 minutes here.")


def test_what_goes_at_once_is_not_worth_a_line():
    assert of(1) == []


def test_the_tier_in_the_usage_headers_decides():
    Lane().on_usage("act_1", UsageSnapshot(1.0, 0.0, FULL_TIER))
    assert allowance_of("act_1").writes == 3000
    assert of(14) == []
    assert "3,000 writes" in of(1200)[0]


def test_a_wait_that_meta_asked_for_is_added():
    (said,) = of(14, until=timezone.now() + timedelta(minutes=4, seconds=30))
    assert "about 12 minutes" in said


def test_the_ads_page_says_it_by_account(acme, target, ben):
    for number in range(14):
        make_push(make_decision(make_variant(target, status="approved", headline=str(number)), ben))
    until = timezone.now() + timedelta(minutes=3)
    first = Push.objects.first()
    Push.objects.filter(pk=first.pk).update(problem_code="meta_throttled", next_attempt_at=until)
    (found,) = account_backlogs(acme)
    assert (found.waiting, found.throttled_until) == (14, until)
    said = words(client_for(ben).get(ads("list")))
    assert "Acme EU : 14 waiting, about 10 minutes, because Meta allows 20 writes" in said
