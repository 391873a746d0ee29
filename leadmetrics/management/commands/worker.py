"""manage.py worker"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections

from leadmetrics import queue
from leadmetrics.processes import Supervisor, cluster
from leadmetrics.schedules import SCHEDULES


class Command(BaseCommand):
    help = "Run jobs and schedules until stopped. Start it on as many machines as you like."

    def handle(self, *_args: Any, **_options: Any) -> None:
        supervisor = Supervisor([cluster()])
        supervisor.stop_on_signals()
        queue.install_schedules(SCHEDULES)
        connections.close_all()  # the cluster opens its own
        supervisor.run()
