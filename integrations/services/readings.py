"""One run on its way: what is left to read, what is being read, how wide its windows are."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from integrations.insight_models import is_final
from integrations.meta_ads.client import MetaAdsClient
from integrations.meta_ads.errors import ErrorKind, MetaError
from integrations.meta_ads.insights import DEFAULT_ACTION_TYPES
from integrations.meta_ads.types import InsightsQuery
from integrations.models import AdAccount, AdSet, InsightDay, SyncRun
from integrations.services.adding_up import add_up
from integrations.services.clients import meta_client
from integrations.services.pacing import REQUESTS_PER_ACCOUNT, Lane, lane_of
from integrations.services.runs import LEASE, NotUsed, Turn, TurnOver
from integrations.services.shelves import Shelf
from integrations.services.windows import DayPlan, Window

# About seven full pages, once it is known how many rows a day has: a month of 100 campaigns.
WINDOW_ROWS = 3200
WINDOW_SECONDS = 8.0
FIRST_WINDOW_DAYS = 7
LONGEST_WINDOW = 31
CAMPAIGN, AD = InsightDay.Level.CAMPAIGN, InsightDay.Level.AD
# A report dies after 30 days; then its id is unknown (100/33).
_NO_SUCH_REPORT = (ErrorKind.BAD_REQUEST, ErrorKind.PERMISSION)


@dataclass(slots=True)
class Shelves:
    """The temporary tables of this connection that are free."""

    free: dict[str, list[Shelf]] = field(default_factory=dict)
    made: int = 0

    def take(self, level: str) -> Shelf:
        free = self.free.setdefault(level, [])
        if not free:
            self.made += 1
            free.append(Shelf(level, self.made))
        shelf = free.pop()
        shelf.clear()
        return shelf

    def give_back(self, shelf: Shelf) -> None:
        self.free[shelf.level].append(shelf)


@dataclass(slots=True)
class Reading:
    """One run on its way: what is left to read, what is being read, how wide its windows are."""

    turn: Turn
    account: AdAccount
    client: MetaAdsClient
    lane: Lane
    shelves: Shelves
    plans: dict[str, DayPlan]
    read_at: dict[str, dict[date, datetime]]
    ad_set_ids: tuple[str, ...]
    window_days: dict[str, int]
    zone: ZoneInfo
    spans: deque[tuple[str, date, date]] = field(default_factory=deque)
    windows: list[Window] = field(default_factory=list)
    knows_width: dict[str, bool] = field(default_factory=dict)
    finished_one: bool = False
    requests: int = 0  # sent and not yet counted in the run
    renewed_at: float = field(default_factory=time.monotonic)
    has_ended: bool = False

    @classmethod
    def begin(cls, turn: Turn, lanes: dict[str, Lane], shelves: Shelves) -> Reading:
        """What the run still has to read. Raises NotUsed, NotConnected, crypto.CannotDecrypt."""
        run, account = turn.run, turn.run.ad_account
        assert account is not None
        if not account.enabled:
            raise NotUsed
        if account.ad_account_id not in lanes:
            lanes[account.ad_account_id] = lane_of(account.ad_account_id)
        lane = lanes[account.ad_account_id]
        reading = cls(
            turn=turn,
            account=account,
            client=meta_client(run.integration, lane),
            lane=lane,
            shelves=shelves,
            plans={},
            read_at={},
            ad_set_ids=_ad_sets_pushed_to(account),
            window_days={CAMPAIGN: run.window_days, AD: FIRST_WINDOW_DAYS},
            zone=ZoneInfo(account.timezone),
        )
        for level in (CAMPAIGN, AD) if reading.ad_set_ids else (CAMPAIGN,):
            reading.read_at[level] = read_at = last_read(run, level)
            reading.plans[level] = DayPlan(days_to_read(run, level, read_at))
        run.days_total = run.days_done + len(reading.plans[CAMPAIGN])
        turn.held().update(days_total=run.days_total)
        reading._restore_reports()
        reading._estimate_width()
        return reading

    @property
    def is_done(self) -> bool:
        return not (self.windows or self.spans or any(self.plans.values()))

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way."""
        return not any(window.in_flight for window in self.windows)

    def open_windows(self) -> None:
        """Begin as many windows as the account may be asked for at once."""
        while len(self.windows) < REQUESTS_PER_ACCOUNT and not self.is_done:
            if self.spans:
                level, first, last = self.spans.popleft()
            else:
                level = next((level for level, plan in self.plans.items() if plan), "")
                # Until it is known how many rows a day has, one window is enough.
                if not level or (self.windows and not self.knows_width.get(level)):
                    return
                first, last = self.plans[level].take(self.window_days[level])
            self.windows.append(self._window(level, first, last))

    def next_window(self) -> Window | None:
        """The one whose next request may go now."""
        now = time.monotonic()
        for window in self.windows:
            if not window.in_flight and window.look_at <= now:
                return window
        return None

    def take(self, window: Window, future: Future[Any]) -> None:
        """What a request brought. Raises MetaError when the run cannot go on, and Overtaken."""
        window.in_flight = False
        try:
            is_whole = window.take(future.result(), time.monotonic())
        except MetaError as exc:
            self._ask_otherwise(window, exc)
            return
        if window.waits_for_report and window.name not in self.turn.run.reports:
            self._remember(window)
        if is_whole:
            self._finish(window)
        elif time.monotonic() - self.renewed_at > LEASE.total_seconds() / 3:
            self.renewed_at = time.monotonic()
            self.turn.progress()

    def waiting_seconds(self) -> float:
        """Until something can be done for it again; 0 when a request of it is on its way."""
        if not self.is_idle:
            return 0.0
        looks = [window.look_at - time.monotonic() for window in self.windows]
        return max(self.lane.wait, min(looks, default=0.0), 0.0)

    def only_waits_for_reports(self, until: float) -> bool:
        """Whether there is nothing to do before that time but wait for what Meta prepares."""
        return bool(self.windows) and all(
            window.waits_for_report and window.look_at > until for window in self.windows
        )

    def give_up_turn(self) -> TurnOver:
        """What another job needs to know: to be quick, to wait for Meta, or to ask for less."""
        reports = [window for window in self.windows if window.waits_for_report]
        if reports and len(reports) == len(self.windows):
            return TurnOver(max(window.look_after for window in reports))
        days = self.window_days[CAMPAIGN]
        if not self.finished_one and self.windows:
            days = max(1, min(window.days for window in self.windows) // 2)
        self.turn.held().update(window_days=days)
        return TurnOver(self.lane.wait if self.lane.wait > 1 else 0.0)

    def end(self) -> None:
        """Give back what it holds; requests on their way are ignored when they come."""
        self.has_ended = True
        if self.requests:
            self.turn.held().update(requests=F("requests") + self.requests)
        for window in self.windows:
            window.shelf.abandon()
            self.shelves.give_back(window.shelf)

    def _window(self, level: str, first: date, last: date) -> Window:
        query = InsightsQuery(
            self.account.ad_account_id,
            level,
            first,
            last,
            action_types_of(self.account),
            self.ad_set_ids if level == AD else (),
        )
        return Window(query, self.shelves.take(level), timezone.now())

    def _finish(self, window: Window) -> None:
        """Replace the window's days and mark them, all at once or not at all."""
        query, now = window.query, timezone.now()
        days = [query.since + timedelta(days=n) for n in range(window.days)]
        settled = [
            day
            for day in days
            if (moment := self.read_at[query.level].get(day))
            and moment.astimezone(self.zone).date() > day
        ]
        is_campaign = query.level == CAMPAIGN
        reports = {k: v for k, v in self.turn.run.reports.items() if k != window.name}
        with transaction.atomic():
            # First, because it is the fence: a worker that was overtaken writes nothing.
            rows = window.shelf.count()
            self.turn.progress(
                rows=rows, requests=self.requests, days=window.days if is_campaign else 0
            )
            window.shelf.replace(self.account.pk, query.since, query.until, settled, now)
            if is_campaign:
                add_up(self.account.pk, query.since, query.until)
            InsightDay.objects.bulk_create(
                [
                    InsightDay(
                        ad_account=self.account, level=query.level, day=day, read_at=window.began
                    )
                    for day in days
                ],
                update_conflicts=True,
                unique_fields=["ad_account", "level", "day"],
                update_fields=["read_at"],
            )
            if reports != self.turn.run.reports:
                self.turn.held().update(reports=reports)
        self.turn.run.reports, self.requests = reports, 0
        self.renewed_at, self.finished_one = time.monotonic(), True
        self._close(window)
        self._adapt_width(query.level, rows, window)

    def _estimate_width(self) -> None:
        """By the newest day that is stored, so that only a first reading has to find out."""
        run = self.turn.run
        assert run.until is not None
        if run.window_days != FIRST_WINDOW_DAYS:
            self.knows_width[CAMPAIGN] = True
        elif rows := self.account.insights.filter(date_start=run.until - timedelta(days=1)).count():
            self.knows_width[CAMPAIGN] = True
            self.window_days[CAMPAIGN] = min(max(1, WINDOW_ROWS // rows), LONGEST_WINDOW)

    def _adapt_width(self, level: str, rows: int, window: Window) -> None:
        """The next windows have about as many rows, or as many seconds, as one should have."""
        per_day = max(rows / window.days, WINDOW_ROWS / LONGEST_WINDOW)
        seconds = (timezone.now() - window.began).total_seconds()
        in_time = window.days * WINDOW_SECONDS / max(seconds, 0.001)
        wanted = max(1, int(min(WINDOW_ROWS / per_day, in_time)))
        self.knows_width[level] = True
        self.window_days[level] = wanted

    def _ask_otherwise(self, window: Window, exc: MetaError) -> None:
        """Smaller pages, a report, fewer days; a lost report is asked for anew."""
        if exc.kind in _NO_SUCH_REPORT and window.report_id and not window.lost_report:
            self._forget(window)
            window.lost_report = True
            window.begin_again()
            return
        if exc.kind != ErrorKind.TOO_MUCH_DATA:
            raise exc
        if window.can_be_asked_otherwise(exc):
            return
        self._forget(window)
        halves = window.halves()
        if not halves:
            raise exc
        self._close(window)
        self.spans.extendleft(reversed(halves))

    def _close(self, window: Window) -> None:
        self.windows.remove(window)
        self.shelves.give_back(window.shelf)

    def _remember(self, window: Window) -> None:
        self.turn.run.reports[window.name] = window.report_id
        self.turn.held().update(reports=self.turn.run.reports)

    def _forget(self, window: Window) -> None:
        if self.turn.run.reports.pop(window.name, None):
            self.turn.held().update(reports=self.turn.run.reports)

    def _restore_reports(self) -> None:
        """Go on with the reports that an earlier turn asked for."""
        for name, report_id in self.turn.run.reports.items():
            level, first, last = name.split(" ")
            window = self._window(level, date.fromisoformat(first), date.fromisoformat(last))
            window.wants_report, window.report_id = True, report_id
            self.windows.append(window)
            self.plans[level].drop(window.query.since, window.query.until)


def last_read(run: SyncRun, level: str) -> dict[date, datetime]:
    """When each of the run's days was last read to its end."""
    marks = InsightDay.objects.filter(
        ad_account=run.ad_account, level=level, day__range=(run.since, run.until)
    )
    return dict(marks.values_list("day", "read_at"))


def days_to_read(run: SyncRun, level: str, read_at: Mapping[date, datetime]) -> Iterator[date]:
    """The run's days that it has not read yet.

    Of history also not what can no longer change, nor ads of days whose ads were never read.
    """
    assert run.since and run.until and run.ad_account and run.started_at  # noqa: PT018 - it is claimed
    zone = ZoneInfo(run.ad_account.timezone)
    is_history = run.kind == SyncRun.Kind.HISTORY
    for number in range((run.until - run.since).days + 1):
        day = run.since + timedelta(days=number)
        moment = read_at.get(day)
        if moment is None:
            if not is_history or level == CAMPAIGN:
                yield day
        elif moment < run.started_at and not (is_history and is_final(day, moment, zone)):
            yield day


def action_types_of(account: AdAccount) -> tuple[str, ...]:
    """What counts as a conversion: the account's own definition, else the usual three."""
    own = account.conversion_action_type
    return (own,) if own else DEFAULT_ACTION_TYPES


def _ad_sets_pushed_to(account: AdAccount) -> tuple[str, ...]:
    """Ad sets that hold ads we made, or may soon."""
    found = AdSet.objects.filter(push_targets__ad_account=account)
    return tuple(found.order_by("ad_set_id").values_list("ad_set_id", flat=True).distinct())
