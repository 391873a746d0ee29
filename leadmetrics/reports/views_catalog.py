"""Campaigns, ad sets, Pages and ad accounts as Meta showed them last."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from leadmetrics.errors import NotFound
from leadmetrics.reports.audiences import catalog_read_at
from leadmetrics.reports.catalog import KINDS, objects_of
from leadmetrics.reports.paging import page_by_name, page_url, read_place
from leadmetrics.tenancy.middleware import TenantRequest


@require_GET
def catalog(request: TenantRequest, tenant: str, listed: str) -> HttpResponse:
    """One list of the catalog, by name."""
    kind = KINDS.get(listed)
    if kind is None:
        raise NotFound
    search = request.GET.get("q", "").replace("\0", "").strip()[:100]
    gone = request.GET.get("gone") == "1"
    page = page_by_name(
        objects_of(kind, request.tenant, search=search, gone=gone),
        after=read_place(request.GET.get("after", "")),
        before=read_place(request.GET.get("before", "")),
    )
    path = reverse("reports:catalog", args=[tenant, listed])
    narrow = {"q": search, "gone": "1" if gone else ""}
    context = {
        "kind": kind,
        "listed": listed,
        "path": path,
        "search": search,
        "gone": gone,
        "rows": [
            (row, list(zip(kind.headings, row.facts, strict=True)))
            for row in map(kind.row, page.items)
        ],
        "previous_url": page_url(path, narrow, before=page.before),
        "next_url": page_url(path, narrow, after=page.after),
        "read_at": catalog_read_at(request.tenant),
    }
    return render(request, "reports/catalog.html", context)
