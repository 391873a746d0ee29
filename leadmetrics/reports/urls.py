"""Below /t/<tenant>/: reports/ and audiences/."""

from __future__ import annotations

from django.urls import path

from leadmetrics.reports import views_audiences, views_catalog, views_report, views_sync

app_name = "reports"

urlpatterns = [
    path("reports/", views_report.performance, name="performance"),
    path("reports/freshness/", views_report.freshness, name="freshness"),
    path("reports/export/<slug:table>.<slug:kind>", views_report.export, name="export"),
    path("reports/reach/", views_report.reach, name="reach"),
    path("reports/moved/", views_report.moved, name="moved"),
    path("sync/", views_sync.health, name="sync"),
    path("sync/now/", views_sync.sync_now, name="sync_now"),
    path("catalog/<slug:listed>/", views_catalog.catalog, name="catalog"),
    path("audiences/", views_audiences.audiences, name="audiences"),
]
