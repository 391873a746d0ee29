"""Below /t/<tenant>/settings/."""

from __future__ import annotations

from django.urls import path

from leadmetrics.tenancy import views

app_name = "settings"

urlpatterns = [
    path("", views.members, name="members"),
    path("members/add/", views.add, name="add_member"),
    path("members/<int:membership_id>/role/", views.role, name="change_role"),
    path("members/<int:membership_id>/right/", views.right, name="change_right"),
    path("members/<int:membership_id>/remove/", views.remove, name="remove_member"),
    path("members/<int:membership_id>/link/", views.link, name="renew_link"),
    path("policy/", views.policy, name="policy"),
    path(
        "welcome/<str:uidb64>/<str:token>/", views.FirstPasswordView.as_view(), name="set_password"
    ),
]
