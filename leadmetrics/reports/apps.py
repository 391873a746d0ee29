from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "leadmetrics.reports"
    label = "reports"
