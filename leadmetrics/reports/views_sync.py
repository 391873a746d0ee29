"""Sync health: is everything read, what took how long, when is the next read, read now."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from integrations.services import insights
from leadmetrics import queue
from leadmetrics.errors import LeadmetricsError
from leadmetrics.htmx import is_fragment
from leadmetrics.reports import sync
from leadmetrics.reports.paging import read_place
from leadmetrics.tenancy.access import role_required
from leadmetrics.tenancy.middleware import TenantRequest
from leadmetrics.tenancy.models import Role


@require_GET
@role_required(Role.ADMIN)
def health(request: TenantRequest, tenant: str) -> HttpResponse:
    """Each ad account in words and every run; the page asks again while something is read."""
    after = request.GET.get("after", "")
    page = sync.run_page(request.tenant, after=after if _is_id(after) else "")
    accounts = sync.accounts_of(request.tenant)
    path = reverse("reports:sync", args=[tenant])
    context: dict[str, Any] = {
        "accounts": accounts,
        "behind": sum(row.state.tone in ("warn", "bad") for row in accounts),
        "readable": any(row.can_read for row in accounts),
        "is_reading": any(run.is_open for run in page.items),
        "runs": [(run, sync.run_state(run), run.took) for run in page.items],
        "next_pull": queue.next_start("Pull performance"),
        "next_catalog": queue.next_start("Sync catalogs"),
        "path": request.get_full_path(),
        "newest_url": path if after else "",
        "older_url": f"{path}?after={page.older}" if page.older else "",
    }
    template = "_sync" if is_fragment(request) else "sync"
    return render(request, f"reports/{template}.html", context)


@require_POST
@role_required(Role.ADMIN)
def sync_now(request: TenantRequest, tenant: str) -> HttpResponse:
    """Read one ad account, or all that can be read, now; open runs are joined."""
    wanted = read_place(request.POST.get("account", ""))
    begun, refused = 0, ""
    in_use = {row.account.pk: row for row in sync.accounts_of(request.tenant)}
    readable = [pk for pk, row in in_use.items() if row.can_read]
    for pk in readable if wanted is None else [wanted]:
        try:
            insights.pull_now(actor=request.actor, ad_account_pk=pk)
        except LeadmetricsError as exc:
            name = f"{in_use[pk].account.name}: " if pk in in_use else ""
            refused = f"{name}{exc.user_message}"
        else:
            begun += 1
    if refused:
        messages.error(request, refused)
    if begun:
        accounts = "1 ad account is" if begun == 1 else f"{begun} ad accounts are"
        messages.success(request, f"{accounts} being read. You can leave this page; it goes on.")
    elif not refused:
        messages.info(request, "Nothing could be read now; each ad account says why.")
    return redirect("reports:sync", tenant=tenant)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
