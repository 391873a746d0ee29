"""The support admin: staff only, to look at, without secrets."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client

from leadmetrics.audit.log import record
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant, User
from tests.builders import make_agent_key, make_user

PAGES = [
    "tenancy/user",
    "tenancy/tenant",
    "tenancy/membership",
    "agents/agentkey",
    "audit/auditentry",
]


@pytest.fixture
def support(db: None) -> Client:
    user = make_user("Sam", "sam@support.example", is_staff=True)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def secret(acme: Tenant, ana: Actor) -> str:
    key, secret = make_agent_key(acme, ana)
    with transaction.atomic():
        record(ana, "key.created", key, {"name": key.name})
    return secret


def test_the_admin_has_no_sign_in_page_of_its_own(client: Client, db: None) -> None:
    first = client.get("/admin/")
    second = client.get(first.headers["Location"])

    assert second.headers["Location"] == "/sign-in/?next=/admin/"


def test_members_without_staff_rights_are_refused(as_ana: Client) -> None:
    assert as_ana.get("/admin/", follow=True).status_code == 403
    assert as_ana.get("/admin/tenancy/user/", follow=True).status_code == 403


@pytest.mark.parametrize("page", PAGES)
def test_support_sees_lists_and_rows_without_secrets(
    support: Client, secret: str, page: str
) -> None:
    model = next(
        model
        for model in admin.site._registry
        if f"{model._meta.app_label}/{model._meta.model_name}" == page
    )
    row = model._default_manager.first()
    assert row is not None

    listed = support.get(f"/admin/{page}/")
    shown = support.get(f"/admin/{page}/{row.pk}/change/")

    assert (listed.status_code, shown.status_code) == (200, 200)
    text = listed.content.decode() + shown.content.decode()
    hashes = {user.password for user in User.objects.all()}
    for hidden in (secret, "key_hash", *hashes):
        assert hidden not in text
    assert 'name="_save"' not in text


@pytest.mark.parametrize("page", PAGES)
def test_support_changes_nothing(support: Client, secret: str, page: str) -> None:
    for act in ("add/", "1/delete/"):
        assert support.post(f"/admin/{page}/{act}").status_code in (302, 403)
    assert support.get(f"/admin/{page}/add/").status_code == 403
    assert support.post(f"/admin/{page}/", {"action": "delete_selected"}).status_code in (200, 403)


@pytest.mark.parametrize("page", PAGES)
def test_searching_works(support: Client, secret: str, page: str) -> None:
    assert support.get(f"/admin/{page}/?q=acme").status_code == 200


def test_jobs_and_groups_have_no_pages(support: Client) -> None:
    assert {model._meta.app_label for model in admin.site._registry}.isdisjoint(
        {"django_q", "auth"}
    )
