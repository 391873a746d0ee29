"""Below /t/<tenant>/settings/keys/."""

from __future__ import annotations

from django.urls import path

from leadmetrics.agents import views

app_name = "agents"

urlpatterns = [
    path("", views.keys, name="keys"),
    path("create/", views.create, name="create_key"),
    path("<int:key_id>/revoke/", views.revoke, name="revoke_key"),
]
