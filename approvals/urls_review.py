"""Addresses below /t/<tenant>/review/."""

from django.urls import path

from approvals import views_review as views

app_name = "review"
urlpatterns = [
    path("", views.queue, name="queue"),
    path("images/<str:sha256>/", views.image, name="image"),
    path("<uuid:variant_id>/", views.variant, name="variant"),
    path("<uuid:variant_id>/approve/", views.approve, name="approve"),
    path("<uuid:variant_id>/reject/", views.reject, name="reject"),
    path("<uuid:variant_id>/edit/", views.edit, name="edit"),
    path("<uuid:variant_id>/withdraw/", views.withdraw, name="withdraw"),
]
