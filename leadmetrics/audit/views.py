"""The activity page: what happened, who did it, and whether the log is whole."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from leadmetrics.audit import log
from leadmetrics.audit.selectors import KINDS, ActivityFilter, activity_page
from leadmetrics.tenancy.middleware import TenantRequest
from leadmetrics.tenancy.selectors import members_of


@require_http_methods(["GET", "HEAD", "POST"])
def activity(request: TenantRequest, tenant: str) -> HttpResponse:
    """The log, newest first; a POST checks the chain, which reads every entry."""
    if request.method == "POST":
        _check_chain(request)
        return redirect("activity", tenant=tenant)
    narrow = ActivityFilter(
        who=request.GET.get("who", ""),
        kind=request.GET.get("kind", ""),
        object_type=_text(request, "type"),
        object_id=_text(request, "id"),
    )
    page = activity_page(
        request.tenant, narrow, before=_place(request, "before"), after=_place(request, "after")
    )
    people = [
        *((f"u{member.user_id}", member.user.name) for member in members_of(request.tenant)),
        ("agents", "Agents"),
        ("system", "Leadmetrics itself"),
    ]
    # Someone who left, or a single key, is no choice of the list but can be followed by a link.
    if narrow.who and narrow.who not in dict(people):
        people.append((narrow.who, page.lines[0].actor if page.lines else "Someone who left"))
    context: dict[str, Any] = {
        "page": page,
        "narrow": narrow,
        "people": people,
        "kinds": [(key, label) for key, (label, _) in KINDS.items()],
        "newer_url": _url(tenant, narrow, after=page.newer_after),
        "older_url": _url(tenant, narrow, before=page.older_before),
    }
    return render(request, "audit/activity.html", context)


def _check_chain(request: TenantRequest) -> None:
    count, broken = log.verify(request.tenant.pk)
    if broken is None:
        entries = "1 entry" if count == 1 else f"{count:,} entries"
        messages.success(request, f"Verified {entries}: none is missing, none was altered.")
    else:
        messages.error(
            request,
            f"The log does not hold from entry {broken.seq} on: {broken.reason}. "
            "Tell the operator of this installation; a backup shows what stood there.",
        )


def _text(request: TenantRequest, name: str) -> str:
    return request.GET.get(name, "").replace("\0", "")  # PostgreSQL knows no such character


def _place(request: TenantRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _url(tenant: str, narrow: ActivityFilter, **place: int | None) -> str:
    """The address of a neighbouring page, or empty when there is none."""
    (number,) = place.values()
    if number is None:
        return ""
    names = {"object_type": "type", "object_id": "id"}
    query = {names.get(name, name): value for name, value in asdict(narrow).items() if value}
    return f"{reverse('activity', args=[tenant])}?{urlencode({**query, **place})}"
