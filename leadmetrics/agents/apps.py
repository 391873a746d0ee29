from django.apps import AppConfig


class AgentsConfig(AppConfig):
    name = "leadmetrics.agents"
    label = "agents"
