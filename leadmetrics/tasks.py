"""Housekeeping: finished jobs, and mails to people."""

from __future__ import annotations

from leadmetrics import queue
from leadmetrics.notices import services as notices


def prune_results() -> None:
    """Forget jobs that ended a week ago."""
    queue.prune_results()


def send_notices() -> None:
    """Send the mails that are due."""
    notices.send_notices()


def prune_notices() -> None:
    """Forget mails of more than a year ago."""
    notices.prune_notices()
