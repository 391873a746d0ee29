"""How fast one ad account may be asked, by what the usage headers of its answers say."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from integrations.meta_ads.client import MetaAdsClient
from integrations.meta_ads.errors import THROTTLE_WAIT, ErrorKind, MetaError
from integrations.meta_ads.types import UsageSnapshot
from integrations.models import AdAccount
from integrations.services.allowance import closed_for, note_closed, note_tier
from integrations.services.clients import meta_client

# At most this many of an account at once: what Meta counts is time as well as calls.
REQUESTS_PER_ACCOUNT = 2
SLOW_FROM = 75.0
# Between two requests when a budget is all but used up. It is one of a rolling hour.
LONGEST_GAP = 5.0


@dataclass(slots=True)
class Lane:
    """One ad account at Meta, however many runs or grants read it.

    Below 75 % of every budget there is no pause; from there on the pauses grow, so that what people
    wait for, such as a push, finds the account open; when Meta names a time it is closed till then.
    """

    ad_account_id: str = ""
    clock: Callable[[], float] = time.monotonic
    in_flight: int = 0
    gap: float = 0.0
    next_at: float = 0.0
    opens_at: float = 0.0
    tier: str = ""

    def on_usage(self, ad_account_id: str, usage: UsageSnapshot) -> None:
        """The transport's report of an answer's headers or throttle; all are of this account."""
        ad_account_id = ad_account_id or self.ad_account_id
        if ad_account_id and usage.tier not in ("", self.tier):
            self.tier = usage.tier
            note_tier(ad_account_id, usage.tier)
        now = self.clock()
        if usage.is_used_up:
            wait = usage.wait_seconds or THROTTLE_WAIT
            self.opens_at = now + wait
            if ad_account_id:
                note_closed(ad_account_id, wait)
        over = (usage.percent - SLOW_FROM) / (100 - SLOW_FROM)
        self.gap = LONGEST_GAP * min(max(over, 0.0), 1.0)
        self.next_at = max(self.next_at, now + self.gap) if self.gap else 0.0

    def on_version(self, answered: str, warning: str) -> None:
        """Says nothing about the pace."""

    @property
    def closed_for(self) -> float:
        """Seconds until the time that Meta named; 0 when it named none."""
        return max(0.0, self.opens_at - self.clock())

    @property
    def wait(self) -> float:
        """Seconds until the next request may go; 0 when there is room now."""
        return max(0.0, self.opens_at - self.clock(), self.next_at - self.clock())

    @property
    def has_room(self) -> bool:
        """Whether a request may go now. An account in slow motion is asked one thing at a time."""
        most = 1 if self.gap else REQUESTS_PER_ACCOUNT
        return self.in_flight < most and self.wait <= 0

    def sent(self) -> None:
        """A request is on its way."""
        self.in_flight += 1
        self.next_at = self.clock() + self.gap if self.gap else 0.0


def lane_of(ad_account_id: str) -> Lane:
    """A new lane, closed for as long as Meta told any worker."""
    return Lane(ad_account_id, opens_at=time.monotonic() + closed_for(ad_account_id))


def account_client(account: AdAccount) -> MetaAdsClient:
    """A client for a few calls to one ad account, which hears when Meta closes it.

    Raises MetaError while it is closed, NotConnected, crypto.CannotDecrypt.
    """
    lane = lane_of(account.ad_account_id)
    if lane.closed_for:
        raise MetaError(ErrorKind.THROTTLED, wait_seconds=lane.closed_for)
    return meta_client(account.integration, lane)
