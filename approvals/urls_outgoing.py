"""Addresses below /t/<tenant>/settings/sending/."""

from django.urls import path

from approvals import views_outgoing as views

app_name = "sending"
urlpatterns = [path("", views.sending, name="switch")]
