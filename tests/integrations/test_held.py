"""What waited for a grant is listed and released once when it is connected again."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from approvals.models import Push
from integrations.models import Integration
from integrations.waiting import held_by
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_decision, make_push, make_push_target, make_variant
from tests.conftest import StandIn
from tests.integrations.conftest import page_text
from tests.integrations.dance import press


def test_held_ads_are_listed_and_released_once(
    acme: Tenant, as_ana: Client, ben: Actor, start: Any, stand_in: StandIn, grant: Integration
) -> None:
    target = make_push_target(acme)
    other = target.ad_account.integration
    target.ad_account.integration = grant
    target.ad_account.save()
    held = make_push(
        make_decision(make_variant(target), ben), problem_code="not_connected", problem="Waits."
    )
    fresh = make_push(make_decision(make_variant(target), ben))
    Integration.objects.filter(pk=grant.pk).update(status="expired")
    assert len(held_by(grant)) == 2
    assert not held_by(other)

    page = as_ana.get(press(start()), follow=True)
    text = page_text(page)
    assert "1 approved ad goes on now" in text
    assert reverse("ads:detail", args=[acme.slug, held.variant_id]) in text
    assert reverse("ads:detail", args=[acme.slug, fresh.variant_id]) not in text
    assert Push.objects.get(pk=held.pk).problem_code == ""

    again = page_text(as_ana.get(press(start()), follow=True))
    assert "goes on now" not in again
