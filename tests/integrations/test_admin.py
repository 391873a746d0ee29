"""Support sees connections and runs, changes nothing, and never sees a token."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.deletion_models import DataDeletion
from integrations.models import (
    AccountDay,
    AdInsight,
    CampaignInsight,
    CampaignMonth,
    InsightDay,
    RangeReach,
    SyncRun,
)
from integrations.schedules import SCHEDULES
from integrations.services.catalog import request_catalog
from leadmetrics import queue
from leadmetrics.tenancy.models import Tenant
from tests.builders import TOKEN, make_push_target, make_user
from tests.integrations.conftest import page_text

FIGURES = (
    *(AccountDay, AdInsight, CampaignInsight, CampaignMonth),
    *(InsightDay, RangeReach),
)
MODELS = [
    model for model in apps.get_app_config("integrations").get_models() if model not in FIGURES
]


@pytest.fixture
def support(db: None) -> Client:
    client = Client()
    client.force_login(make_user("Sam", is_staff=True))
    return client


@pytest.fixture
def world(acme: Tenant) -> None:
    target = make_push_target(acme)
    integration = target.ad_account.integration
    integration.metadata = {**integration.metadata, "adAccountId": "act_42"}
    integration.save()
    request_catalog(integration)
    DataDeletion.objects.create(code="lmd-1", digest="d" * 64)
    target.ad_account.audiences.create(audience_id="1", name="Buyers", subtype="CUSTOM")
    target.ad_account.insight_checks.create(
        month=date(2026, 9, 1), checked_at=timezone.now(), matches=True
    )
    target.ad_account.insight_revisions.create(
        campaign_id="77", date_start=date(2026, 9, 1), noted_at=timezone.now(), spend="31.25"
    )


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_support_sees_it_and_cannot_change_it(support: Client, world: None, model: type) -> None:
    name = f"admin:integrations_{model._meta.model_name}"
    row = model.objects.get()
    pages = [
        support.get(reverse(f"{name}_changelist")),
        support.get(reverse(f"{name}_changelist"), {"q": "no such thing"}),
        support.get(reverse(f"{name}_change", args=[row.pk])),
        support.get(reverse(f"{name}_history", args=[row.pk])),
    ]
    for page in pages:
        assert page.status_code == 200
        assert TOKEN not in page_text(page)
        assert "v1.k1." not in page_text(page)  # the sealed form
        assert "api_key" not in page_text(page)
    for action in ("change", "delete"):
        assert support.post(reverse(f"{name}_{action}", args=[row.pk]), {}).status_code == 403
    assert support.post(reverse(f"{name}_add"), {}).status_code == 403


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_each_list_can_be_searched_by_id(model: type) -> None:
    assert any("id" in field for field in admin.site.get_model_admin(model).search_fields)


def test_defaults_of_a_grant_are_shown(support: Client, world: None) -> None:
    found = support.get(reverse("admin:integrations_integration_changelist"), {"q": "Ana Keller"})
    assert "Ana Keller" in page_text(found)
    url = page_text(found).split('href="/admin/integrations/integration/')[1].split('"')[0]
    assert "act_42" in page_text(support.get(f"/admin/integrations/integration/{url}"))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_people_without_staff_rights_see_nothing(as_ana: Client, model: type) -> None:
    url = reverse(f"admin:integrations_{model._meta.model_name}_changelist")
    assert as_ana.get(url).status_code in (302, 403)


def test_support_sees_how_long_a_run_took_and_when_is_read_next(
    support: Client, world: None
) -> None:
    queue.install_schedules([row for row in SCHEDULES if row.name == "Sync catalogs"])
    queue.QueueSchedule.objects.update(next_run=datetime(2031, 3, 4, 4, 40, tzinfo=UTC))
    began = timezone.now()
    SyncRun.objects.update(
        state="complete", started_at=began - timedelta(seconds=75), finished_at=began
    )
    listed = support.get(reverse("admin:integrations_syncrun_changelist"))
    assert "1 min 15 s" in page_text(listed)
    url = reverse("admin:integrations_syncrun_change", args=[SyncRun.objects.get().pk])
    assert "2031" in page_text(support.get(url))
    SyncRun.objects.update(
        state="waiting", lease_until=datetime(2030, 1, 2, 3, 4, tzinfo=UTC), finished_at=None
    )
    assert "2031" not in page_text(support.get(url))


def test_support_sees_what_a_day_said_before_it_was_restated(support: Client, world: None) -> None:
    page = support.get(reverse("admin:integrations_insightrevision_changelist"), {"q": "77"})
    assert "31.25" in page_text(page)
