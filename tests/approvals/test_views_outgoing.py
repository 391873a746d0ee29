"""The stop switch for people: the settings page, the banner, and support's switch in the admin."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import WriteStop
from tests.builders import make_user

PAGE = "/t/acme-outdoor/settings/sending/"


@pytest.mark.django_db(transaction=True)
def test_admin_stops_with_a_reason_and_every_page_says_so(as_ana, as_vera):
    assert as_ana.post(PAGE, {"act": "stop", "reason": ""}).status_code == 422
    assert not WriteStop.objects.exists()
    assert as_ana.post(PAGE, {"act": "stop", "reason": "Wrong price"}).status_code == 302
    assert "Wrong price" in as_vera.get("/t/acme-outdoor/").content.decode()
    assert "Let sending go on" in as_ana.get(PAGE).content.decode()
    as_ana.post(PAGE, {"act": "resume"})
    assert not WriteStop.objects.exists()
    assert "Wrong price" not in as_vera.get("/t/acme-outdoor/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_support_stops_every_workspace(as_ana):
    support = Client()
    support.force_login(make_user("Sam", is_staff=True, is_superuser=True))
    support.post(reverse("admin:approvals_writestop_add"), {"reason": "Incident at Meta"})
    stop = WriteStop.objects.get()
    assert (stop.tenant, stop.stopped_by) == (None, "Sam (support)")
    page = as_ana.get(PAGE).content.decode()
    assert "in every workspace" in page
    assert "Let sending go on" not in page
    support.post(reverse("admin:approvals_writestop_delete", args=[stop.pk]), {"post": "yes"})
    assert not WriteStop.objects.exists()
