"""What runs by itself in this app. Times are UTC."""

from leadmetrics.queue import Schedule

SCHEDULES = [
    Schedule("Pull performance", "integrations.tasks.pull_all_insights", "10 */3 * * *"),
    Schedule("Sync catalogs", "integrations.tasks.sync_all_catalogs", "40 4 * * *"),
    # A grant is looked at once a day; the more frequent look is for those in their last two days
    # and for a machine that was off at its hour.
    Schedule("Refresh tokens", "integrations.tasks.refresh_tokens", "20 * * * *"),
    Schedule("Tell who must reconnect", "integrations.tasks.warn_in_time", "25 * * * *"),
    Schedule("Tell of the API version", "integrations.tasks.tell_of_version", "35 * * * *"),
    Schedule("Withdraw left grants", "integrations.tasks.revoke_grants", "50 * * * *"),
    Schedule("Sweep sync runs", "integrations.tasks.sweep_runs", "* * * * *"),
    Schedule("Compare months with Meta", "integrations.tasks.check_all_insights", "20 5 * * *"),
    Schedule("Forget old readings", "integrations.tasks.prune_readings", "35 3 * * *"),
]
