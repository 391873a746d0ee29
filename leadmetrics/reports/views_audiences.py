"""Audiences for targeting."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from leadmetrics.reports import audiences as selectors
from leadmetrics.reports.needs import live_integrations
from leadmetrics.tenancy.middleware import TenantRequest


@require_GET
def audiences(request: TenantRequest, tenant: str) -> HttpResponse:
    """Custom audiences of the enabled ad accounts, with what each is good for."""
    search = request.GET.get("q", "").replace("\0", "").strip()[:100]
    page = selectors.audience_page(
        selectors.audiences(request.tenant, search=search),
        after=_number(request.GET.get("after", "")),
        before=_number(request.GET.get("before", "")),
    )
    context = {
        "search": search,
        "rows": [
            (audience, selectors.audience_size(audience), selectors.audience_state(audience))
            for audience in page.items
        ],
        "previous_url": _audience_url(tenant, search, before=page.before),
        "next_url": _audience_url(tenant, search, after=page.after),
        "read_at": selectors.catalog_read_at(request.tenant),
        "is_connected": bool(live_integrations(request.tenant)),
    }
    return render(request, "reports/audiences.html", context)


def _audience_url(tenant: str, search: str, **place: int | None) -> str:
    if not any(place.values()):
        return ""
    query = {key: value for key, value in {"q": search, **place}.items() if value}
    return f"{reverse('reports:audiences', args=[tenant])}?{urlencode(query)}"


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None
