"""Results beside the text: nothing is claimed before there is enough to claim it on."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from approvals.results import judge
from approvals.selectors.pushed import ad_results
from approvals.states import PushState, VariantStatus
from integrations.models import AdInsight
from integrations.sums import Sums
from tests.approvals.pages import ads, words
from tests.builders import client_for, make_decision, make_push, make_variant


def sums(impressions: int, clicks: int) -> Sums:
    return Sums(spend=Decimal(1), impressions=impressions, clicks=clicks)


@pytest.mark.parametrize(
    ("mine", "others", "word"),
    [
        (sums(0, 0), sums(0, 0), "Not enough data"),
        (sums(999, 900), sums(9000, 200), "Not enough data"),
        (sums(9000, 29), sums(9000, 900), "Not enough data"),
        (sums(9000, 900), sums(900, 30), "Not enough data"),
        (sums(9000, 400), sums(9000, 200), "Clicked more often"),
        (sums(9000, 200), sums(9000, 400), "Clicked less often"),
        (sums(9000, 200), sums(9000, 210), "No clear difference"),
        (sums(1000, 4000), sums(9000, 200), "Clicked more often"),
    ],
)
def test_the_verdict(mine, others, word):
    assert judge(mine, others).word == word


@pytest.fixture
def pushed(target, ben):
    variant = make_variant(target, status=VariantStatus.PAUSED)
    return make_push(make_decision(variant, ben), state=PushState.DONE)


def add(push, ad_id: str, *, back: int = 0, **figures) -> None:
    target = push.variant.target
    AdInsight.objects.create(
        ad_account=target.ad_account,
        campaign_id="1",
        ad_set_id=target.ad_set.ad_set_id,
        ad_id=ad_id,
        ad_name="An ad",
        date_start=push.finished_at.date() - timedelta(days=back),
        **figures,
    )


def test_a_new_ad_has_no_figures_and_no_verdict(pushed, ben):
    said = words(client_for(ben).get(ads("detail", pushed.variant)))
    assert "Not enough data" in said


def test_only_the_same_days_of_the_same_ad_set_count(pushed, ben):
    add(pushed, pushed.ad_id, impressions=5000, inline_link_clicks=250, spend=Decimal(20))
    add(pushed, "77", impressions=5000, inline_link_clicks=100)
    add(pushed, "77", back=3, impressions=90000, inline_link_clicks=90000)
    said = words(client_for(ben).get(ads("detail", pushed.variant)))
    assert "Clicked more often" in said
    assert "(5.00%, the others 2.00%)" in said
    assert "€20.00" in said


def test_spend_is_exact_whatever_the_database(pushed, ben):
    for back in range(3):
        add(pushed, pushed.ad_id, back=-back, spend=Decimal("987654321.1"), impressions=1)
    mine, others = ad_results(pushed)
    assert mine.spend == 3 * Decimal("987654321.1")
    assert others == Sums()
