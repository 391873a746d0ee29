"""Meta's own preview beside ours. It loads after the page, and nothing waits for it."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from approvals.access import access_variant
from approvals.card import head_of
from approvals.content import build_payload
from approvals.desk import Desk
from integrations.services.previews import NoPreview, preview_address
from leadmetrics.htmx import is_fragment
from leadmetrics.tenancy.middleware import TenantRequest


@require_GET
def at_meta(request: TenantRequest, tenant: str, variant_id: UUID) -> HttpResponse:
    """A sandboxed frame with the ad as Meta draws it, or why there is none."""
    shown = access_variant(actor=request.actor, variant_id=variant_id)
    desk = Desk.read(request.tenant, request.GET)
    context = {"address": "", "problem": "", "has_image": head_of(shown).image_id is not None}
    try:
        if not settings.META_PREVIEWS:
            raise NoPreview("Meta's own preview is switched off here (META_PREVIEWS).")
        context["address"] = preview_address(
            integration=shown.target.ad_account.integration,
            payload=build_payload(head_of(shown), shown.target),
            placement=desk.view,
        )
    except NoPreview as exc:
        context["problem"] = exc.user_message
    if is_fragment(request):
        return render(request, "approvals/_at_meta.html", context)
    page = {**context, "headline": head_of(shown).headline, "back_url": desk.url("variant", shown)}
    return render(request, "approvals/at_meta.html", page)
