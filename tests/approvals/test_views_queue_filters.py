"""Narrowing the queue by campaign, author, due time and warnings; who else is here."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from approvals import desk
from approvals.models import AdVariant, Seen
from approvals.services.propose import withdraw_variant
from tests.approvals.conftest import COPY, propose
from tests.approvals.pages import HTMX, review, shown, words
from tests.builders import (
    client_for,
    make_ad_set,
    make_campaign,
    make_proposal,
    make_push_target,
    make_variant,
)


@pytest.fixture
def as_ben(ben):
    return client_for(ben)


def headlines(response) -> list[str]:
    return [row.head.headline for row, *_ in response.context["rows"]]


def test_one_campaign_or_one_author(as_ben, acme, agent, target):
    propose(agent, target, replace(COPY, headline="Spring"))
    elsewhere = make_push_target(acme)
    propose(replace(agent, label="Other agent"), elsewhere, replace(COPY, headline="Autumn"))
    campaign = {"campaign": str(elsewhere.ad_set.campaign_id)}
    assert headlines(as_ben.get(review("queue"), campaign)) == ["Autumn"]
    assert headlines(as_ben.get(review("queue"), {"agent": "Copy agent"})) == ["Spring"]
    page = as_ben.get(review("queue"), {"campaign": "x", "agent": "", "due": "nonsense"})
    assert headlines(page) == ["Spring", "Autumn"]
    assert "fit" not in page.context["desk"].url()


def test_overdue_due_today_and_with_warnings(as_ben, agent, target):
    old, new = (propose(agent, target, replace(COPY, headline=name)) for name in ("Old", "New"))
    loud = propose(agent, target, replace(COPY, headline="BUY TENTS NOW TODAY"))
    long_ago = timezone.now() - timedelta(hours=25)
    AdVariant.objects.filter(pk=old.pk).update(created_at=long_ago)
    page = as_ben.get(review("queue"), {"due": "overdue"})
    assert headlines(page) == ["Old"]
    assert "Overdue" in page.content.decode()
    assert "Old" in headlines(as_ben.get(review("queue"), {"due": "today"}))
    assert headlines(as_ben.get(review("queue"), {"warnings": "1"})) == [loud.head.headline]
    assert new.head.headline in headlines(as_ben.get(review("queue")))


def test_the_form_offers_what_waits_and_nothing_else(as_ben, acme, harbour, agent, target):
    propose(agent, target)
    propose(replace(agent, label="Other agent"), target, replace(COPY, headline="Autumn"))
    elsewhere = make_push_target(acme)
    gone = propose(replace(agent, label="Gone agent"), elsewhere)
    withdraw_variant(actor=agent, variant_id=gone.pk)
    make_variant(make_push_target(harbour), proposal=make_proposal(harbour, submitted_by="Hers"))
    page = as_ben.get(review("queue"), {"filter": "1"})
    choices = page.context["choices"]
    assert choices["agents"] == ["Copy agent", "Other agent"]
    (account,) = choices["accounts"]
    assert account.account == target.ad_account
    assert [(one.name, one.waiting) for one in account.campaigns] == [("Spring", 2)]
    assert as_ben.get(review("queue")).context["choices"] is None


def test_filters_that_are_on_are_named_and_each_can_be_taken_away(as_ben, agent, target):
    propose(agent, target, replace(COPY, headline="The best ever tent"))
    AdVariant.objects.update(created_at=timezone.now() - timedelta(hours=25))
    campaign = target.ad_set.campaign_id
    wanted = {"q": "tent", "campaign": campaign, "agent": "Copy agent", "due": "today"}
    page = as_ben.get(review("queue"), {**wanted, "warnings": "1", "sort": "newest"})
    on = dict(page.context["filters"])
    assert list(on) == ["“tent”", "Spring", "By Copy agent", "Due today", "With warnings"]
    assert f"campaign={campaign}" not in on["Spring"]
    for kept in ("q=tent", "agent=Copy+agent", "due=today", "warnings=1", "sort=newest"):
        assert kept in on["Spring"]
    assert "warnings" not in on["With warnings"]
    assert page.context["all_url"] == f"{review('queue')}?sort=newest"
    nothing = as_ben.get(review("queue"), {"campaign": "1234567"})
    assert [words for words, _ in nothing.context["filters"]] == ["One campaign"]


def test_the_form_keeps_the_place_and_what_is_on(as_ben, agent, target):
    propose(agent, target)
    second = propose(agent, target, replace(COPY, headline="Second"))
    AdVariant.objects.update(created_at=timezone.now() - timedelta(hours=25))
    open_card = as_ben.get(review("variant", second), {"due": "today", "view": "story"})
    page = as_ben.get(open_card.context["filter_url"], headers=HTMX)
    assert page.context["card"]["variant"] == second
    html = page.content.decode()
    assert '<option value="today" selected>Due today</option>' in html
    assert 'name="view" value="story"' in html
    assert as_ben.get(page.context["here_url"]).context["card"]["variant"] == second


def test_who_else_has_it_open(as_ben, rita, variant):
    as_ben.get(review("variant", variant), headers={**HTMX, "X-Prefetch": "1"})
    assert "is here" not in words(client_for(rita).get(review("variant", variant)))
    assert "Rita is here" in words(as_ben.get(review("variant", variant)))
    assert "Ben is here" in words(client_for(rita).get(review("variant", variant)))
    with time_machine.travel(timezone.now() + timedelta(minutes=5), tick=True):
        assert "is here" not in words(client_for(rita).get(review("variant", variant)))


@pytest.mark.parametrize("name", ["edit", "comment"])
def test_who_writes_is_here_too_and_sees_who_else_is(as_ben, rita, variant, name):
    assert "is here" not in words(as_ben.get(review(name, variant)))
    assert not Seen.objects.exists()
    assert "Ben is here" in words(client_for(rita).get(review("variant", variant)))
    assert "Rita is here" in words(as_ben.get(review(name, variant)))


def test_who_keeps_typing_stays_here(as_ben, rita, variant):
    as_ben.get(review("edit", variant))
    with time_machine.travel(timezone.now() + timedelta(minutes=4), tick=True):
        as_ben.post(review("draft", variant), {"headline": "Te"})
    with time_machine.travel(timezone.now() + timedelta(minutes=8), tick=True):
        assert "Ben is here" in words(client_for(rita).get(review("variant", variant)))


def test_what_is_put_off_stands_at_the_end(as_ben, agent, target):
    first, _ = (propose(agent, target, replace(COPY, headline=name)) for name in ("One", "Two"))
    answer = as_ben.post(review("defer", first), shown(first), headers=HTMX)
    assert answer.context["card"]["revision"].headline == "Two"
    assert headlines(as_ben.get(review("queue"))) == ["Two", "One"]


# --- In which order -------------------------------------------------------------------------------

SORTS = ["", "due", "newest", "account", "campaign"]


@pytest.fixture
def mixed(acme, target, monkeypatch):
    """Twenty ads of three campaigns in two ad accounts, mixed, on pages of eight.

    Many share a moment.
    """
    monkeypatch.setattr(desk, "ROWS", 8)
    campaign = target.ad_set.campaign
    sibling = make_ad_set(make_campaign(target.ad_account))
    targets = [make_push_target(acme), target, make_push_target(acme, ad_set=sibling)]
    assert campaign != sibling.campaign
    made = [make_variant(targets[n % 3], headline=f"Ad {n}") for n in range(20)]
    start = timezone.now() - timedelta(days=2)
    for n, one in enumerate(made):
        moment = start + timedelta(minutes=n // 4)
        later = moment + timedelta(days=1) if n % 5 == 0 else moment
        AdVariant.objects.filter(pk=one.pk).update(created_at=moment, queue_at=later)
    return list(AdVariant.objects.filter(tenant=acme).select_related("target__ad_set"))


def expected(sort: str, rows: list[AdVariant]) -> list[AdVariant]:
    keys = {
        "": lambda row: (row.queue_at, row.pk),
        "due": lambda row: (row.created_at, row.pk),
        "newest": lambda row: (row.created_at, row.pk),
        "account": lambda row: (row.target.ad_account_id, row.queue_at, row.pk),
        "campaign": lambda row: (row.target.ad_set.campaign_id, row.queue_at, row.pk),
    }
    return sorted(rows, key=keys[sort], reverse=sort == "newest")


@pytest.mark.parametrize("sort", SORTS)
def test_every_order_reaches_every_ad_once_by_pages_and_card_by_card(as_ben, mixed, sort):
    wanted = [row.pk for row in expected(sort, mixed)]
    url, listed = f"{review('queue')}?sort={sort}", []
    while url:
        page = as_ben.get(url).context
        listed += [row.pk for row, *_ in page["rows"]]
        url = page["later_url"]
    assert listed == wanted
    url, opened, back = f"{review('queue')}?sort={sort}", [], []
    while url:
        page = as_ben.get(url, headers={**HTMX, "X-Prefetch": "1"}).context
        opened.append(page["card"]["variant"].pk)
        assert page["place"] == len(opened)
        back.append(page["previous_url"])
        url = page["next_url"]
    assert opened == wanted
    assert [str(pk) in url for pk, url in zip(opened, back[1:], strict=False)] == [True] * 19


@pytest.mark.parametrize("sort", SORTS)
def test_a_decision_goes_on_in_the_chosen_order_and_keeps_it(as_ben, mixed, sort):
    first, second, third = expected(sort, mixed)[8:11]
    query = f"?sort={sort}&q=Ad"
    later = as_ben.post(f"{review('defer', first)}{query}", shown(first), headers=HTMX)
    assert later.context["card"]["variant"] == second
    decided = as_ben.post(f"{review('approve', second)}{query}", shown(second), headers=HTMX)
    assert decided.context["card"]["variant"] == third
    for link in ("next_url", "previous_url", "list_url", "bulk_url"):
        assert (f"sort={sort}" in decided.context[link]) is bool(sort)
        assert "q=Ad" in decided.context[link]


def test_the_order_is_chosen_beside_the_filters_and_nonsense_is_the_usual_one(as_ben, mixed):
    page = as_ben.get(review("queue"), {"sort": "newest"}).content.decode()
    assert '<option value="newest" selected>Newest first</option>' in page
    nonsense = as_ben.get(review("queue"), {"sort": "price"}).context
    assert [row.pk for row, *_ in nonsense["rows"]] == [row.pk for row in expected("", mixed)[:8]]


@pytest.mark.parametrize("sort", SORTS)
def test_every_order_needs_few_queries(as_ben, mixed, django_assert_max_num_queries, sort):
    with django_assert_max_num_queries(11):
        as_ben.get(review("variant", mixed[10]), {"sort": sort})
