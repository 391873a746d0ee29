"""Which role a page needs. Services check again; this only decides who gets to see the page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse

from leadmetrics.tenancy.middleware import TenantRequest
from leadmetrics.tenancy.models import Role

P = ParamSpec("P")
TenantView = Callable[Concatenate[TenantRequest, P], HttpResponse]


def role_required(role: Role) -> Callable[[TenantView[P]], TenantView[P]]:
    """Answer 403 to members whose role does not cover ``role``."""

    def decorate(view: TenantView[P]) -> TenantView[P]:
        @wraps(view)
        def guarded(request: TenantRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not request.membership.covers(role):
                raise PermissionDenied(f"This page needs the role {role.label.lower()}.")
            return view(request, *args, **kwargs)

        return guarded

    return decorate
