"""Everything that runs by itself, in one list."""

from __future__ import annotations

from approvals import schedules as approvals
from integrations import schedules as integrations
from leadmetrics.queue import Schedule

SCHEDULES = [
    *integrations.SCHEDULES,
    *approvals.SCHEDULES,
    Schedule("Forget finished jobs", "leadmetrics.tasks.prune_results", "30 3 * * *"),
]
