"""Addresses below /t/<tenant>/review/."""

from django.urls import path

from approvals import (
    views_bulk,
    views_preview,
    views_review_comments,
    views_review_draft,
    views_waiting,
)
from approvals import views_review as views

app_name = "review"
urlpatterns = [
    path("", views.queue, name="queue"),
    path("together/", views_bulk.bulk, name="bulk"),
    path("<uuid:variant_id>/select/", views_bulk.select, name="select"),
    path("<uuid:variant_id>/alike/", views_bulk.alike, name="alike"),
    path("images/<str:sha256>/", views.image, name="image"),
    path("<uuid:variant_id>/", views.variant, name="variant"),
    path("<uuid:variant_id>/at-meta/", views_preview.at_meta, name="at_meta"),
    path("<uuid:variant_id>/approve/", views.approve, name="approve"),
    path("<uuid:variant_id>/reject/", views.reject, name="reject"),
    path("<uuid:variant_id>/edit/", views.edit, name="edit"),
    path("<uuid:variant_id>/withdraw/", views.withdraw, name="withdraw"),
    path("<uuid:variant_id>/draft/", views_review_draft.draft, name="draft"),
    path("<uuid:variant_id>/comment/", views_review_comments.comment, name="comment"),
    path("<uuid:variant_id>/changes/", views_waiting.changes, name="changes"),
    path("<uuid:variant_id>/undo/", views_waiting.undo, name="undo"),
    path("<uuid:variant_id>/later/", views_waiting.defer, name="defer"),
    path("<uuid:variant_id>/reopen/", views_waiting.reopen, name="reopen"),
    path("<uuid:variant_id>/send-now/", views_waiting.send_now, name="send_now"),
]
