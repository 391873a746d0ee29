"""Addresses below /t/<tenant>/connections/."""

from django.urls import path

from integrations import views, views_accounts, views_manage

app_name = "connections"
urlpatterns = [
    path("", views_manage.connections, name="list"),
    path("connect/", views.start, name="connect"),
    path("<uuid:pk>/released/", views.released, name="released"),
    path("<uuid:pk>/permissions/", views.permissions, name="permissions"),
    path("<uuid:pk>/ad-accounts/", views.ad_accounts, name="ad_accounts"),
    path("<uuid:pk>/targets/new/", views.new_target, name="new_target"),
    path("<uuid:pk>/sync/", views_manage.sync, name="sync"),
    path("<uuid:pk>/progress/", views_manage.progress, name="progress"),
    path("<uuid:pk>/disconnect/", views_manage.disconnect, name="disconnect"),
    path("targets/<uuid:target>/", views.target_ready, name="target_ready"),
    path("targets/<uuid:target>/archive/", views_manage.archive_target, name="archive_target"),
    path("ad-accounts/<int:account>/use/", views_manage.use_account, name="use_account"),
    path("ad-accounts/<int:account>/pull/", views_manage.pull, name="pull"),
    path("ad-accounts/<int:account>/history/", views_manage.history, name="history"),
    path("readiness/", views_accounts.readiness, name="readiness"),
    path("ad-accounts/<int:account>/settings/", views_accounts.settings, name="account_settings"),
    path("ad-accounts/<int:account>/copy/", views_accounts.copy_settings, name="copy_settings"),
]
