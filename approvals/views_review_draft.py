"""How an edit would look while it is typed: the same preview, of words that are not saved."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from approvals.access import access_variant
from approvals.card import head_of, image_url
from approvals.limits import HARD_LIMITS, LABELS, LINK_LIMIT
from approvals.models import VariantRevision
from approvals.presence import others_here
from approvals.preview import preview_of
from leadmetrics.tenancy.access import role_required
from leadmetrics.tenancy.middleware import TenantRequest
from leadmetrics.tenancy.models import Role


@require_POST
@role_required(Role.REVIEWER)
def draft(request: TenantRequest, tenant: str, variant_id: UUID) -> HttpResponse:
    """The mobile feed with what is in the fields now, cut where it cuts; nothing is stored."""
    shown = access_variant(actor=request.actor, variant_id=variant_id)
    words = {
        name: request.POST.get(name, "")[: 2 * HARD_LIMITS.get(name, LINK_LIMIT)] for name in LABELS
    }
    others_here(shown.pk, request.user, came=True)  # still at it
    typed = VariantRevision(variant=shown, image=head_of(shown).image, **words)
    preview = preview_of(typed, shown.target, image_url=image_url(request.tenant.slug, typed))
    return render(request, "approvals/_as_typed.html", {"preview": preview})
