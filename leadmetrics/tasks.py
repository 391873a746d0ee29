"""The queue's own housekeeping."""

from __future__ import annotations

from leadmetrics import queue


def prune_results() -> None:
    """Forget jobs that ended a week ago."""
    queue.prune_results()
