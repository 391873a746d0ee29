from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "leadmetrics.notices"
    label = "notices"
