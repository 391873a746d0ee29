"""Below /t/<tenant>/: reports/ and audiences/."""

from __future__ import annotations

from django.urls import path

from leadmetrics.reports import views

app_name = "reports"

urlpatterns = [
    path("reports/", views.performance, name="performance"),
    path("reports/freshness/", views.freshness, name="freshness"),
    path("reports/export/<str:table>.csv", views.export, name="export"),
    path("audiences/", views.audiences, name="audiences"),
]
