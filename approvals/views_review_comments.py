"""Comments on an ad: the form beside it, and what comes back."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from approvals.access import access_variant
from approvals.answers import Notice, not_sent, open_desk
from approvals.card import shown_values
from approvals.desk import Desk
from approvals.forms import CommentForm
from approvals.models import AdVariant, Comment
from approvals.services.comment import add_comment
from leadmetrics.errors import InvalidInput
from leadmetrics.htmx import announce, is_fragment
from leadmetrics.tenancy.kept import keeps_typing, take
from leadmetrics.tenancy.middleware import TenantRequest
from leadmetrics.tenancy.models import User
from leadmetrics.tenancy.selectors import members_of


@keeps_typing
@require_http_methods(["GET", "HEAD", "POST"])
def comment(request: TenantRequest, tenant: str, variant_id: UUID) -> HttpResponse:
    """Say something about an ad or about some of its words."""
    shown = access_variant(actor=request.actor, variant_id=variant_id)
    people = _others(request)
    if request.method != "POST":
        if typed := take(request, request.path):
            kept = CommentForm(typed, people=people)
            return open_desk(request, shown, commenting=kept, notice=not_sent(typed))
        form = CommentForm(initial=_begin(request, shown), people=people)
        return open_desk(request, shown, commenting=form)
    form = CommentForm(request.POST, people=people)
    if form.is_valid():
        try:
            made = add_comment(
                actor=request.actor,
                variant_id=variant_id,
                revision_number=form.shown_number,
                text=form.cleaned_data["text"],
                words=form.cleaned_data["words"],
                field=form.cleaned_data["field"],
                near=form.cleaned_data["near"] or 0,
                tell=form.cleaned_data["tell"],
            )
        except InvalidInput as exc:
            form.add_problems(exc.problems)
        else:
            return _added(request, shown, made)
    return open_desk(request, shown, commenting=form, status=422)


def _begin(request: TenantRequest, shown: AdVariant) -> dict[str, object]:
    """What the form begins with; the page hands on the words that were marked in it."""
    asked = {name: request.GET.get(name, "") for name in ("words", "field", "near")}
    return {**asked, **shown_values(shown)}


def _others(request: TenantRequest) -> list[User]:
    return [
        member.user
        for member in members_of(request.tenant)
        if member.user.is_active and member.user_id != request.user.pk
    ]


def _added(request: TenantRequest, shown: AdVariant, made: Comment) -> HttpResponse:
    told = f" {', '.join(made.told)} will be told by mail." if made.told else ""
    words = f"Comment {made.number} added.{told}"
    url = Desk.read(request.tenant, request.GET).url("variant", shown)
    if not is_fragment(request):
        messages.success(request, words)
        return redirect(url)
    return announce(open_desk(request, shown, outcome=Notice("good", words)), words, url=url)
