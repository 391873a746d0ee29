"""Jobs. Each may run zero, one or many times, also twice at once; the services do not mind."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from integrations.services import (
    catalog,
    insight_checks,
    insights,
    reach,
    revoke,
    runs,
    tokens,
    version_watch,
    warnings,
)


def sync_catalog(run_id: str) -> None:
    """Read one grant's lists, or one ad account's campaigns and audiences."""
    catalog.sync_catalog(run_id=UUID(run_id))


def sync_all_catalogs() -> None:
    """Read every usable grant's catalog."""
    catalog.request_all_catalogs()


def pull_insights(run_id: str) -> None:
    """Read one ad account's performance."""
    insights.pull_insights(run_id=UUID(run_id))


def pull_all_insights() -> None:
    """Read every enabled ad account's performance."""
    insights.request_all_pulls()


def read_reach(reach_pk: str) -> None:
    """Read the reach of one range of days."""
    reach.read_reach(reach_pk=int(reach_pk))


def check_all_insights() -> None:
    """Compare the last final month of every account that was not found equal yet."""
    insight_checks.request_checks()


def check_insights(ad_account_pk: str, month: str) -> None:
    """Compare one month of one ad account."""
    insight_checks.check_insights(ad_account_pk=int(ad_account_pk), month=date.fromisoformat(month))


def prune_readings() -> None:
    """Forget old runs, old values that were restated, and ranges that nobody looks at."""
    runs.prune_runs()
    insights.prune_revisions()
    reach.prune_reach()


def refresh_token(integration_id: str) -> None:
    """Look at one grant, and extend it if it ends soon."""
    tokens.refresh(integration_id=UUID(integration_id))


def refresh_tokens() -> None:
    """Look at every grant that is due."""
    tokens.refresh_due()


def warn_in_time() -> None:
    """Tell the people concerned of every grant that ends soon."""
    warnings.warn_in_time()


def tell_of_version() -> None:
    """Tell operators and admins what is known of the version of Meta's API in use."""
    version_watch.tell_of_version()


def revoke_grant(integration_id: str) -> None:
    """Withdraw one disconnected grant at Meta."""
    revoke.revoke(integration_id=UUID(integration_id))


def revoke_grants() -> None:
    """Withdraw what could not be withdrawn yet."""
    revoke.revoke_due()


def sweep_runs() -> None:
    """Wake what nobody woke."""
    runs.sweep_runs()
