"""The token and the app secret go through every flow of Connections and come out nowhere."""

from __future__ import annotations

import base64
import json
import logging
import urllib.parse
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core import mail as mail_box
from django.core import serializers
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse
from django_q.models import OrmQ

from integrations.models import AdAccount, Integration
from integrations.services.clients import open_token
from integrations.services.tokens import refresh
from integrations.services.warnings import warn_in_time
from leadmetrics import queue
from leadmetrics.audit.models import AuditEntry
from leadmetrics.notices.services import send_notices
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_user
from tests.conftest import StandIn
from tests.integrations.conftest import page_text
from tests.integrations.dance import BEN, press, work


def forms_of(secret: str) -> list[str]:
    """The secret as it is, for addresses, in base64 at each of the three offsets, and in hex."""
    shifted = [base64.b64encode(b"x" * n + secret.encode()).decode()[4:-4] for n in range(3)]
    return [secret, urllib.parse.quote(secret, safe=""), secret.encode().hex(), *shifted]


def command(name: str) -> str:
    """What a command writes, and why it failed, if it did."""
    out = StringIO()
    try:
        call_command(name, stdout=out)
    except CommandError as exc:
        return f"{out.getvalue()}{exc}"
    return out.getvalue()


def rows_as_text() -> str:
    """Every row of our tables and of the queue, jobs unpacked."""
    models = [model for model in apps.get_models() if model._meta.app_label != "contenttypes"]
    stored = [serializers.serialize("json", model.objects.all()) for model in models]
    return "\n".join([*stored, *(repr(row.task) for row in OrmQ.objects.all())])


@pytest.mark.django_db(transaction=True)
def test_no_secret_leaves_the_process(
    acme: Tenant,
    as_ana: Client,
    start: Any,
    stand_in: StandIn,
    quick: None,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []

    def visit(name: str, *args: Any, **form: Any) -> Any:
        url = reverse(f"connections:{name}", args=[acme.slug, *args])
        response = as_ana.post(url, form, follow=True) if form else as_ana.get(url, follow=True)
        seen.append(page_text(response))
        seen.append(json.dumps(dict(response.headers)))
        return response

    # Connect: denied, failed, partial, whole.
    seen.append(page_text(as_ana.get(press(start(), "cancel"))))
    back = press(start())
    stand_in.control(html_error={"path": "debug_token", "times": 9})
    seen.append(page_text(as_ana.get(back)))
    stand_in.control(clear_faults=True)
    seen.append(page_text(as_ana.get(press(start(), without={"ads_management"}), follow=True)))
    seen.append(page_text(as_ana.get(press(start(rerequest="1")), follow=True)))
    grant = Integration.objects.get()
    tokens = {open_token(grant).reveal()}

    # Read, also with trouble of every kind.
    work(grant)
    account = grant.ad_accounts.get(name="Acme Outdoor EU")
    visit("ad_accounts", grant.pk, account=[account.pk], shown=[account.pk])
    work(grant)
    for fault in (
        {"fail": {"path": "me/adaccounts", "code": 10, "status": 400, "times": 9}},
        {"html_error": {"path": "me/adaccounts", "times": 9}},
        {"lose_reply": {"path": "me/adaccounts", "method": "GET", "times": 9}},
    ):
        stand_in.control(**fault)
        visit("sync", grant.pk, back="")
        work(grant)
        stand_in.control(clear_faults=True)
    visit("list")
    for name in ("ad_accounts", "new_target", "progress", "disconnect", "permissions"):
        visit(name, grant.pk)
    visit("pull", account.pk, x="1")
    visit("readiness")
    visit("account_settings", account.pk)
    visit("copy_settings", account.pk, look="1", q="Acme")

    # A job that breaks in an unforeseen way.
    run = grant.sync_runs.filter(state="waiting").first()
    AdAccount.objects.filter(pk=account.pk).update(timezone="Nowhere/City")
    with pytest.raises(queue.JobFailed):
        queue.run_job("integrations.tasks.pull_insights", str(run.pk))
    AdAccount.objects.filter(pk=account.pk).update(timezone="Europe/Berlin")

    # Somebody else connects beside it, and the app secret is replaced.
    asked = start(grant=str(grant.pk))
    seen.append(page_text(as_ana.get(press(asked, person=BEN), follow=True)))
    work(Integration.objects.get(meta_user_id=BEN))
    tokens.add(open_token(Integration.objects.get(meta_user_id=BEN)).reveal())
    old_secret = settings.META_APP_SECRET
    settings.META_APP_SECRET, settings.META_APP_SECRET_PREVIOUS = "the-new-secret-77", old_secret
    visit("sync", grant.pk, back="")
    work(grant)
    seen.append(command("doctor"))
    for secret in ("not-any-secret-78", old_secret):
        settings.META_APP_SECRET_PREVIOUS = secret
        Integration.objects.update(last_checked_at=None)
        refresh(integration_id=grant.pk)
    settings.META_APP_SECRET, settings.META_APP_SECRET_PREVIOUS = old_secret, ""
    Integration.objects.filter(meta_user_id=BEN).update(status="disconnected", api_key="")

    # Refresh, expire, disconnect.
    soon = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    Integration.objects.update(metadata={"tokenExpiresAt": soon}, last_checked_at=None)
    assert warn_in_time()
    refresh(integration_id=grant.pk)
    tokens.add(open_token(Integration.objects.get(pk=grant.pk)).reveal())
    assert len(tokens) == 3
    seen.append(command("rotate_encryption_keys"))
    Integration.objects.update(last_checked_at=None)
    refresh(integration_id=grant.pk)  # the daily look
    stand_in.control(expire_token="ana")
    visit("sync", grant.pk, back="")
    work(grant)
    visit("list")
    seen.append(command("doctor"))
    seen.append(page_text(as_ana.get(press(start()), follow=True)))  # connected again
    tokens.add(open_token(Integration.objects.get(pk=grant.pk)).reveal())
    support = Client()
    support.force_login(make_user("Sam", is_staff=True))
    for page in ("changelist", "change", "history"):
        args = [] if page == "changelist" else [grant.pk]
        url = reverse(f"admin:integrations_integration_{page}", args=args)
        seen.append(page_text(support.get(url)))
    seen.append(page_text(support.get(reverse("admin:index"))))
    database = rows_as_text()
    send_notices()
    seen += [f"{mail.subject} {mail.body} {mail.to}" for mail in mail_box.outbox]
    assert mail_box.outbox
    visit("disconnect", grant.pk, yes="1")

    signed = stand_in.control(signed_request="ana")["result"]["signed_request"]
    for path in ("/meta/deauthorize/", "/meta/data-deletion/"):
        seen.append(page_text(support.post(path, {"signed_request": signed})))

    tokens |= {
        token
        for people in stand_in.control(list=True)["result"]["list"].values()
        for token in people
    }
    captured = capfd.readouterr()
    everything = "\n".join(
        [*seen, caplog.text, captured.out, captured.err, database, rows_as_text()]
    )
    assert len(AuditEntry.objects.all()) > 5
    assert "took the previous one" in everything  # the app secret was replaced on the way
    assert len(everything) > 100_000
    secrets = [settings.META_APP_SECRET, "the-new-secret-77", "not-any-secret-78"]
    for secret in [*tokens, *secrets]:
        for form in forms_of(secret):
            assert form not in everything
