"""What every page knows, and what it costs."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.test import Client, RequestFactory

from leadmetrics.context import product
from leadmetrics.tenancy.models import Membership, Role, Tenant, User
from tests.builders import make_push_target, make_variant


def test_unused_names_cost_no_query(
    acme: Tenant, vera: Any, django_assert_num_queries: Any
) -> None:
    request: Any = RequestFactory().get("/")
    request.user = User.objects.get(pk=vera.user_id)
    request.tenant = acme

    with django_assert_num_queries(0):
        names = product(request)
    with django_assert_num_queries(2):
        assert names["nav_counts"]["review"] == names["nav_counts"]["review"] == 0
        assert len(names["memberships"]) == len(names["memberships"]) == 1


def test_pages_outside_a_workspace_have_no_tenant(db: None) -> None:
    request: Any = RequestFactory().get("/")
    request.user = AnonymousUser()

    names = product(request)

    assert names["tenant"] is names["membership"] is None
    assert list(names["memberships"]) == []
    assert names["nav_counts"]["review"] == 0


def test_the_menu_shows_what_waits_and_every_workspace(
    acme: Tenant, harbour: Tenant, vera: Any, as_vera: Client
) -> None:
    Membership.objects.create(tenant=harbour, user_id=vera.user_id, role=Role.ADMIN)
    make_variant(make_push_target(acme))
    make_variant(make_push_target(harbour))

    page = as_vera.get("/t/acme/activity/").content.decode()

    assert 'Review <span class="count">1<span' in page
    assert 'href="/t/harbour/"' in page
    assert 'href="/t/acme/settings/"' not in page  # a viewer here
    assert 'href="/t/harbour/settings/"' in as_vera.get("/t/harbour/").content.decode()
