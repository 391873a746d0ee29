"""Everything that runs by itself, in one list."""

from __future__ import annotations

from approvals import schedules as approvals
from integrations import schedules as integrations
from leadmetrics.queue import Schedule

SCHEDULES = [
    *integrations.SCHEDULES,
    *approvals.SCHEDULES,
    Schedule("Forget finished jobs", "leadmetrics.tasks.prune_results", "30 3 * * *"),
    Schedule("Send mails", "leadmetrics.tasks.send_notices", "*/2 * * * *"),
    Schedule("Forget old mails", "leadmetrics.tasks.prune_notices", "40 3 * * *"),
]
