"""The stop switch of a workspace, for its admins."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from approvals.selectors.sending import write_stop_of
from approvals.services.marks import why_not_to_write
from approvals.services.stops import resume_writes, stop_writes
from leadmetrics.tenancy.access import role_required
from leadmetrics.tenancy.middleware import TenantRequest
from leadmetrics.tenancy.models import Role


class StopForm(forms.Form):
    """Why nothing may be sent for now."""

    reason = forms.CharField(
        label="Why",
        max_length=200,
        help_text="Everybody in this workspace reads it above every page.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMIN)
def sending(request: TenantRequest, tenant: str) -> HttpResponse:
    """Stop sending to Meta, or let it go on."""
    form = StopForm(request.POST if request.POST.get("act") == "stop" else None)
    if request.method == "POST" and request.POST.get("act") == "resume":
        resume_writes(actor=request.actor)
        messages.success(request, "Sending goes on. What waited is sent now.")
        return redirect("sending:switch", tenant=tenant)
    if request.method == "POST" and form.is_valid():
        stop_writes(actor=request.actor, reason=form.cleaned_data["reason"])
        messages.success(request, "Sending is stopped. Nothing new is created or switched on.")
        return redirect("sending:switch", tenant=tenant)
    context = {
        "form": form,
        "stop": write_stop_of(request.tenant.pk),
        "doubt": why_not_to_write(),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "approvals/sending.html", context, status=status)
