"""Reading the mails that the embedded default keeps as files instead of sending them."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from leadmetrics.tenancy.models import Membership, Role, User

_NEWEST = 100
# What Django's file backend writes after every mail.
_LINE = "\n" + "-" * 79 + "\n"


@dataclass(frozen=True, slots=True)
class KeptMail:
    """One mail, as the person it is for would read it."""

    to: str
    subject: str
    date: str
    body: str


@require_safe
def mails(request: HttpRequest) -> HttpResponse:
    """One's own mails and, for admins, those to people of their workspaces, newest first."""
    if not settings.KEEPS_MAILS or not isinstance(request.user, User):
        raise Http404
    readable = _readable(request.user)
    found = [
        mail
        for mail in _kept(Path(getattr(settings, "EMAIL_FILE_PATH", "")))
        if mail.to in readable
    ]
    return render(request, "mails.html", {"mails": found[:_NEWEST]})


def _readable(user: User) -> set[str]:
    mine = Membership.objects.filter(user=user, role=Role.ADMIN).values("tenant")
    people = User.objects.filter(memberships__tenant__in=mine).values_list("email", flat=True)
    return {user.email, *people}


def _kept(folder: Path) -> Iterator[KeptMail]:
    files = sorted(folder.glob("*.log"), key=lambda file: file.name, reverse=True)
    for file in files[: 5 * _NEWEST]:
        texts = file.read_text(encoding="utf-8", errors="replace").split(_LINE)
        yield from (_read(text) for text in reversed(texts) if text.strip())


def _read(text: str) -> KeptMail:
    message = email.message_from_string(text.lstrip(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return KeptMail(
        to=str(message["To"] or ""),
        subject=str(message["Subject"] or ""),
        date=str(message["Date"] or ""),
        body=message.get_content() if message.get_content_maintype() == "text" else "",
    )
