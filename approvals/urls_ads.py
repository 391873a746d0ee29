"""Addresses below /t/<tenant>/ads/."""

from django.urls import path

from approvals import views_activate
from approvals import views_ads as views

app_name = "ads"
urlpatterns = [
    path("", views.ads, name="list"),
    path("<uuid:variant_id>/", views.detail, name="detail"),
    path("<uuid:variant_id>/release/", views.release, name="release"),
    path("<uuid:variant_id>/hand-back/", views.hand_back, name="hand_back"),
    path("<uuid:variant_id>/activate/", views_activate.activate, name="activate"),
    path("<uuid:variant_id>/pause/", views_activate.pause, name="pause"),
]
