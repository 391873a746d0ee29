"""What runs by itself in this app."""

from leadmetrics.queue import Schedule

SCHEDULES = [
    Schedule("Sweep pushes", "approvals.tasks.sweep_pushes", "* * * * *"),
    Schedule("Preflight what waits", "approvals.tasks.preflight_waiting", "*/2 * * * *"),
    Schedule("Watch ads", "approvals.tasks.watch_ads", "* * * * *"),
    Schedule("Tell what waits", "approvals.tasks.send_digests", "5 * * * *"),
    Schedule("Expire undecided ads", "approvals.tasks.expire_undecided", "20 * * * *"),
    Schedule("Open links", "approvals.tasks.open_links", "* * * * *"),
]
