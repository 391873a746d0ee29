"""Mails that are kept as files can be read by those they are for, and by their admins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.test import Client

from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import User


@pytest.fixture
def kept(settings: Any, tmp_path: Path, ben: Actor, olga: Actor) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    settings.KEEPS_MAILS = True
    for actor, subject in ((ben, "For Ben: äöü"), (olga, "For Olga")):
        to = User.objects.get(pk=actor.user_id).email
        body = "See http://localhost:8000/t/acme/ <script>"
        EmailMessage(subject, body, to=[to]).send()


def test_people_read_their_own_and_admins_their_members(
    kept: None, as_ana: Client, as_ben: Client, as_vera: Client
) -> None:
    for client, sees in ((as_ana, True), (as_ben, True), (as_vera, False)):
        text = client.get("/mails/").content.decode()
        assert ("For Ben: äöü" in text) == sees
        assert "For Olga" not in text
        assert "<script>" not in text.partition("<main")[2].partition("</main>")[0]
    assert 'href="http://localhost:8000/t/acme/"' in as_ben.get("/mails/").content.decode()


def test_visitors_and_real_mail_have_no_such_page(
    kept: None, client: Client, as_ana: Client, settings: Any
) -> None:
    assert client.get("/mails/").status_code == 302
    settings.KEEPS_MAILS = False
    assert as_ana.get("/mails/").status_code == 404
