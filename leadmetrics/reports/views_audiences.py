"""Audiences for targeting."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from leadmetrics.reports import audiences as selectors
from leadmetrics.reports.needs import live_integrations
from leadmetrics.reports.paging import page_by_name, page_url, read_place
from leadmetrics.tenancy.middleware import TenantRequest


@require_GET
def audiences(request: TenantRequest, tenant: str) -> HttpResponse:
    """Custom audiences of the enabled ad accounts, with what each is good for."""
    search = request.GET.get("q", "").replace("\0", "").strip()[:100]
    gone = request.GET.get("gone") == "1"
    page = page_by_name(
        selectors.audiences(request.tenant, search=search, gone=gone),
        after=read_place(request.GET.get("after", "")),
        before=read_place(request.GET.get("before", "")),
    )
    path = reverse("reports:audiences", args=[tenant])
    narrow = {"q": search, "gone": "1" if gone else ""}
    context = {
        "search": search,
        "gone": gone,
        "path": path,
        "rows": [
            (audience, selectors.audience_size(audience), selectors.audience_state(audience))
            for audience in page.items
        ],
        "previous_url": page_url(path, narrow, before=page.before),
        "next_url": page_url(path, narrow, after=page.after),
        "read_at": selectors.catalog_read_at(request.tenant),
        "is_connected": bool(live_integrations(request.tenant)),
    }
    return render(request, "reports/audiences.html", context)
