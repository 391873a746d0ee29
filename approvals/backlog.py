"""What waits to be sent, by ad account: how many, how long about, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from django.utils import timezone

from approvals.selectors.pushed import AccountBacklog
from integrations.services.allowance import allowance_of

# A creative and an ad each; a picture is uploaded once and shared.
WRITES_PER_AD = 2


@dataclass(frozen=True, slots=True)
class Backlog:
    """One sentence about one ad account."""

    account: str
    words: str


def backlogs(accounts: Iterable[AccountBacklog], now: datetime | None = None) -> list[Backlog]:
    """Of the ad accounts where what waits takes at least a minute."""
    now = now or timezone.now()
    found = []
    for account in accounts:
        allowed = allowance_of(account.ad_account_id)
        minutes = ceil(account.waiting * WRITES_PER_AD * allowed.minutes / allowed.writes)
        closed = account.throttled_until
        if closed is not None and closed > now:
            minutes += ceil((closed - now).total_seconds() / 60)
        elif account.waiting * WRITES_PER_AD * allowed.minutes < allowed.writes:
            continue
        unit = "minute" if minutes == 1 else "minutes"
        found.append(
            Backlog(
                account.name,
                f"{account.waiting} waiting, about {minutes} {unit}, because Meta allows "
                f"{allowed.writes:,} writes in {allowed.minutes} minutes here.",
            )
        )
    return found
