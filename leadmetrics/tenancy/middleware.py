"""Every page below /t/<tenant>/ belongs to a tenant; strangers get the same 404 as for nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_cache_control

from leadmetrics.errors import NotAllowed, NotFound
from leadmetrics.tenancy import kept
from leadmetrics.tenancy.actors import Actor, human
from leadmetrics.tenancy.models import Membership, Tenant, User


class TenantRequest(HttpRequest):
    """What a view below /t/<tenant>/ receives."""

    user: User
    tenant: Tenant
    membership: Membership
    actor: Actor


class SignInFirst(LoginRequiredMiddleware):
    """Django's rule that everything needs a sign-in, with a way back for what was posted."""

    def handle_no_permission(
        self, request: HttpRequest, view_func: Callable[..., Any]
    ) -> HttpResponseRedirect:
        """To the sign-in; from there to the page with the form, not to where it was posted."""
        if request.method != "POST":
            return super().handle_no_permission(request, view_func)
        if getattr(view_func, "keeps_typing", False):
            kept.keep(request)
        return redirect_to_login(_page_of_form(request))


def _page_of_form(request: HttpRequest) -> str:
    """The page of ours that a form was posted from, or else the address it was posted to."""
    came_from = urlsplit(request.headers.get("Referer", ""))
    is_ours = came_from.netloc == request.get_host()
    back = urlunsplit(("", "", came_from.path, came_from.query, "")) if is_ours else ""
    return back or request.get_full_path()


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django's
    """A form from before the person signed in again, in another tab: its words are offered anew."""
    match = request.resolver_match
    if match and getattr(match.func, "keeps_typing", False) and kept.keep(request):
        return HttpResponseRedirect(_page_of_form(request))
    return render(request, "403_csrf.html", status=403)


class TenantMiddleware:
    """Loads the membership named in the URL, and turns our access errors into 404 and 403."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # A page below /t/<tenant>/ reads in the tenant's timezone; no thread may keep it.
        with timezone.override(None):
            response = self.get_response(request)
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        )
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if request.user.is_authenticated and "Cache-Control" not in response:
            patch_cache_control(response, private=True, no_store=True)
        return response

    def process_view(
        self,
        request: TenantRequest,
        _view: Callable[..., HttpResponse],
        _args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        if "tenant" not in kwargs or not request.user.is_authenticated:
            return
        own = [one for one in request.user.joined if one.tenant.slug == kwargs["tenant"]]
        if not own:
            raise Http404
        membership = own[0]
        request.membership = membership
        request.tenant = membership.tenant
        request.actor = human(request.user, membership.tenant)
        timezone.activate(membership.tenant.timezone)

    def process_exception(self, _request: HttpRequest, exception: Exception) -> None:
        if isinstance(exception, NotFound):
            raise Http404 from exception
        if isinstance(exception, NotAllowed):
            raise PermissionDenied(exception.user_message) from exception
