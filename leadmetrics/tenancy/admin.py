"""People and workspaces for support: to look at, not to change."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import Group
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from leadmetrics.tenancy.models import Membership, Tenant, User

admin.site.site_header = "Leadmetrics support"
admin.site.site_title = "Leadmetrics support"
admin.site.index_title = "Look up what happened"
admin.site.enable_nav_sidebar = False


@login_not_required
def sign_in_for_staff(request: HttpRequest, **_: Any) -> HttpResponse:
    """The one sign-in page with its limits serves the admin too. 403 for people without access."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next", reverse("admin:index")))


admin.site.login = sign_in_for_staff  # type: ignore[method-assign,assignment]  # as Django advises

# Jobs and groups decide nothing here; jobs carry their own pages into the admin by themselves.
admin.site.unregister(Group)
for _model in [model for model in admin.site._registry if model._meta.app_label == "django_q"]:
    admin.site.unregister(_model)


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """A page that staff may look at and nobody may change."""

    show_full_result_count = False
    list_per_page = 50

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.is_staff

    def has_view_permission(self, request: HttpRequest, *_: Any, **__: Any) -> bool:
        return request.user.is_active and request.user.is_staff

    def has_add_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def has_change_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def has_delete_permission(self, *_: Any, **__: Any) -> bool:
        return False


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ["email", "name", "is_active", "is_staff", "last_login"]
    search_fields = ["email", "name"]
    fields = ["email", "name", "is_active", "is_staff", "is_superuser", "last_login", "date_joined"]
    ordering = ["email"]


@admin.register(Tenant)
class TenantAdmin(ReadOnlyAdmin):
    list_display = ["name", "slug", "timezone", "copy_limits", "author_may_approve", "created_at"]
    search_fields = ["name", "slug"]
    ordering = ["name"]


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ["user", "tenant", "role", "created_at"]
    list_filter = ["role"]
    list_select_related = ["user", "tenant"]
    search_fields = ["user__email", "user__name", "tenant__slug"]
    ordering = ["tenant__name", "user__name"]
