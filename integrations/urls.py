"""Addresses below /t/<tenant>/connections/."""

from django.urls import path

from integrations import views

app_name = "connections"
urlpatterns = [
    path("", views.connections, name="list"),
    path("connect/", views.start, name="connect"),
    path("<uuid:pk>/ad-accounts/", views.ad_accounts, name="ad_accounts"),
    path("<uuid:pk>/targets/new/", views.new_target, name="new_target"),
    path("<uuid:pk>/sync/", views.sync, name="sync"),
    path("<uuid:pk>/progress/", views.progress, name="progress"),
    path("<uuid:pk>/disconnect/", views.disconnect, name="disconnect"),
    path("targets/<uuid:target>/archive/", views.archive_target, name="archive_target"),
    path("ad-accounts/<int:account>/pull/", views.pull, name="pull"),
]
