from django.apps import AppConfig


class TenancyConfig(AppConfig):
    name = "leadmetrics.tenancy"
    label = "tenancy"
