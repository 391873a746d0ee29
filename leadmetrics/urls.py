"""Every address of the product. Whatever lies below /t/<tenant>/ is guarded by TenantMiddleware."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path

from integrations import views_meta
from integrations.views import callback
from leadmetrics import health
from leadmetrics.agents.api import api, docs
from leadmetrics.agents.mcp import endpoint as mcp
from leadmetrics.audit.views import activity
from leadmetrics.mails import mails
from leadmetrics.reports.views_home import home
from leadmetrics.tenancy.views import SignInView, start

tenant_patterns: list[URLPattern | URLResolver] = [
    path("", home, name="home"),
    path("review/", include("approvals.urls_review")),
    path("ads/", include("approvals.urls_ads")),
    path("", include("leadmetrics.reports.urls")),
    path("connections/", include("integrations.urls")),
    path("activity/", activity, name="activity"),
    path("settings/keys/", include("leadmetrics.agents.urls")),
    path("settings/sending/", include("approvals.urls_outgoing")),
    path("settings/", include("leadmetrics.tenancy.urls")),
]

# The API has its own keys; a sign-in page would be no answer to an agent.
api_patterns = api.urls[0]
for pattern in api_patterns:
    if pattern.callback:
        login_not_required(pattern.callback)

urlpatterns = [
    path("", start, name="start"),
    path("sign-in/", SignInView.as_view(), name="sign_in"),
    path("sign-out/", LogoutView.as_view(), name="sign_out"),
    path("t/<slug:tenant>/", include(tenant_patterns)),
    path("connect/meta/callback/", callback, name="meta_callback"),
    path("mails/", mails, name="mails"),
    path("meta/deauthorize/", views_meta.deauthorize, name="meta_deauthorize"),
    path("meta/data-deletion/", views_meta.data_deletion, name="meta_data_deletion"),
    path(
        "meta/data-deletion/<slug:code>/", views_meta.deletion_status, name="meta_deletion_status"
    ),
    path("api/v1/docs", docs, name="api_docs"),
    path("api/v1/", (api_patterns, *api.urls[1:])),
    path("mcp", mcp, name="mcp"),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

handler500 = health.broken
