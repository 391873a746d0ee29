"""Signing in, the start page, and the settings of a workspace."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, PasswordResetConfirmView
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadmetrics.errors import InvalidInput, LeadmetricsError, StateConflict
from leadmetrics.tenancy import kept, selectors, services
from leadmetrics.tenancy.access import role_required
from leadmetrics.tenancy.forms import FirstPasswordForm, MemberForm, PolicyForm, SignInForm
from leadmetrics.tenancy.middleware import TenantRequest
from leadmetrics.tenancy.models import Membership, Role, User


class SignInView(LoginView):
    """E-mail and password; afterwards on to where the person wanted to go, if that is here."""

    authentication_form = SignInForm
    template_name = "tenancy/sign_in.html"
    redirect_authenticated_user = True

    def get_redirect_url(self, *_: Any, **__: Any) -> str:
        """The ``next`` of the request if it is a path of ours, else empty."""
        url: str = super().get_redirect_url()
        return url if url.startswith("/") else ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        state = {
            "is_kept": kept.is_kept(self.request),
            "too_long": kept.TOO_LONG if kept.is_lost(self.request) else "",
        }
        return super().get_context_data(**state, **kwargs)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_invalid(form)
        if isinstance(form, SignInForm) and form.was_limited:
            response.status_code = 429
        return response


@login_not_required
@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """On to the person's workspace; a designed page for somebody who has none."""
    if not isinstance(request.user, User):
        return redirect("sign_in")
    tenant = selectors.first_tenant(request.user)
    if tenant is not None:
        return redirect("home", tenant=tenant.slug)
    return render(request, "tenancy/no_workspace.html")


class FirstPasswordView(PasswordResetConfirmView):
    """Where a handed-over link leads: set the first password, and you are in.

    Django moves the token from the address into the session before it shows the form.
    """

    form_class = FirstPasswordForm
    template_name = "tenancy/set_password.html"
    post_reset_login = True
    membership: Membership | None = None

    def get_user(self, uidb64: str) -> User | None:
        """The person, as long as they are a member here and never had a password."""
        user = super().get_user(uidb64)
        if not isinstance(user, User) or user.has_usable_password() or not user.is_active:
            return None
        self.membership = (
            user.memberships.select_related("tenant")
            .filter(tenant__slug=self.kwargs["tenant"])
            .first()
        )
        return user if self.membership else None

    def form_valid(self, form: Any) -> HttpResponse:
        assert self.membership is not None
        with transaction.atomic():
            response = super().form_valid(form)
            services.join(membership=self.membership)
        return response

    def get_success_url(self) -> str:
        return reverse("home", kwargs={"tenant": self.kwargs["tenant"]})

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        workspace = self.membership.tenant.name if self.membership else ""
        return super().get_context_data(workspace=workspace, person=self.user, **kwargs)


@require_GET
@role_required(Role.ADMIN)
def members(request: TenantRequest, /, **_: str) -> HttpResponse:
    """Who works here."""
    return _members_page(request, MemberForm())


@require_POST
@role_required(Role.ADMIN)
def add(request: TenantRequest, tenant: str) -> HttpResponse:
    """Add a member; for a new account, show the link to hand over. It is shown only now."""
    form = MemberForm(request.POST)
    if not form.is_valid():
        return _members_page(request, form, status=422)
    try:
        membership, key = services.add_member(actor=request.actor, **form.cleaned_data)
    except LeadmetricsError as exc:
        form.add_error(None, exc.user_message)
        return _members_page(request, form, status=422)
    if key is None:
        messages.success(
            request,
            f"{membership.user.name} already had an account and can open this workspace now. "
            "Make sure that the address is really theirs.",
        )
        return redirect("settings:members", tenant=tenant)
    return _link_page(request, membership, key)


@require_POST
@role_required(Role.ADMIN)
def link(request: TenantRequest, tenant: str, membership_id: int) -> HttpResponse:
    """Make a new link for a person who has not set a password yet."""
    try:
        membership, key = services.renew_link(actor=request.actor, membership_id=membership_id)
    except StateConflict as exc:
        messages.error(request, exc.user_message)
        return redirect("settings:members", tenant=tenant)
    return _link_page(request, membership, key)


@require_POST
@role_required(Role.ADMIN)
def role(request: TenantRequest, tenant: str, membership_id: int) -> HttpResponse:
    """Change a member's role."""
    try:
        changed = services.change_role(
            actor=request.actor, membership_id=membership_id, role=request.POST.get("role", "")
        )
    except (services.LastAdmin, InvalidInput) as exc:
        messages.error(request, exc.user_message)
    else:
        word = changed.get_role_display().lower()
        messages.success(request, f"{changed.user.name} is now {_article(word)} {word}.")
        if changed.user_id == request.user.pk and not changed.is_admin:
            return redirect("home", tenant=tenant)
    return redirect("settings:members", tenant=tenant)


@require_POST
@role_required(Role.ADMIN)
def right(request: TenantRequest, tenant: str, membership_id: int) -> HttpResponse:
    """Give a member the right to switch ads on, or take it away."""
    changed = services.change_right(
        actor=request.actor,
        membership_id=membership_id,
        can_activate=request.POST.get("can_activate") == "yes",
    )
    may = "may switch ads on now" if changed.can_activate else "may no longer switch ads on"
    messages.success(request, f"{changed.user.name} {may}.")
    return redirect("settings:members", tenant=tenant)


@require_POST
@role_required(Role.ADMIN)
def remove(request: TenantRequest, tenant: str, membership_id: int) -> HttpResponse:
    """Take a member's access away."""
    try:
        user = services.remove_member(actor=request.actor, membership_id=membership_id)
    except services.LastAdmin as exc:
        messages.error(request, exc.user_message)
    else:
        messages.success(request, f"{user.name} no longer has access to this workspace.")
        if user == request.user:
            return redirect("start")
    return redirect("settings:members", tenant=tenant)


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMIN)
def policy(request: TenantRequest, tenant: str) -> HttpResponse:
    """The rules of the workspace."""
    current = request.tenant
    form = PolicyForm(
        request.POST if request.method == "POST" else None,
        initial={
            "copy_limits": current.copy_limits,
            "timezone": current.timezone,
            "author_may_approve": current.author_may_approve,
            "claims": current.claims,
            **{name: getattr(current, name) for name in services.NUMBERS},
        },
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.update_policy(actor=request.actor, **form.cleaned_data)
        except InvalidInput as exc:
            form.add_error(None, exc.user_message)
        else:
            messages.success(request, "Saved. The rules count from now on.")
            return redirect("settings:policy", tenant=tenant)
    status = 422 if form.errors else 200
    return render(request, "tenancy/policy.html", {"form": form}, status=status)


def _members_page(request: TenantRequest, form: MemberForm, *, status: int = 200) -> HttpResponse:
    people = list(selectors.members_of(request.tenant))
    admins = sum(person.is_admin for person in people)
    context = {"form": form, "people": people, "admins": admins, "roles": Role.choices}
    return render(request, "tenancy/members.html", context, status=status)


def _link_page(
    request: TenantRequest, membership: Membership, key: services.SetPasswordKey
) -> HttpResponse:
    path = reverse(
        "settings:set_password",
        kwargs={"tenant": request.tenant.slug, "uidb64": key.uidb64, "token": key.token},
    )
    context = {"member": membership, "url": settings.SITE_URL + path}
    return render(request, "tenancy/member_link.html", context)


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"
