"""Changes a process of the campaign as its environment says."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from django.apps import AppConfig
from django.conf import settings


class HooksConfig(AppConfig):
    name = "tests.campaign.hooks"

    def ready(self) -> None:
        if settings.CAMPAIGN_WORKER == "naive":
            from approvals.services import push
            from tests.campaign.naive import push_variant

            push.push_variant = push_variant
        if settings.CAMPAIGN_DIES_AT:
            from leadmetrics import crash_points

            crash_points.handler = die_once


def die_once(name: str) -> None:
    """SIGKILL to this very process, the first time any process of the installation gets there."""
    if name != settings.CAMPAIGN_DIES_AT:
        return
    mark = Path(settings.DATA_DIR) / f"died-at-{name}"
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
