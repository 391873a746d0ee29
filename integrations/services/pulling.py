"""Reading the performance of many ad accounts at once.

Threads fetch pages; the job's main thread writes them. One account that is slow, throttled or
broken holds up no other one. What a run has read is marked day by day, so whoever goes on after a
restart reads only the rest.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from integrations.days import first_day_to_read
from integrations.meta_ads.errors import ErrorKind, MetaError
from integrations.models import AdAccount, SyncRun
from integrations.services.pacing import REQUESTS_PER_ACCOUNT, Lane
from integrations.services.readings import Reading, Shelves
from integrations.services.runs import Turn, conclude
from integrations.services.shelves import lenient_commits
from integrations.services.windows import Window
from leadmetrics import queue

ACCOUNTS_AT_ONCE = 16
# Windows begun in time may be finished; then a turn ends at once.
GRACE = 10.0
# Seconds between two looks whether somebody waits for a push, or another run to be read along.
LOOK_EVERY = 1.0
Flight = tuple[Reading, Window]


class Puller:
    """Works on runs until all of them have ended or the time is over.

    ``more`` hands out further runs to be read beside the others, None when there is none.
    """

    def __init__(self, more: Callable[[], Turn | None], seconds: float) -> None:
        self._more = more
        self._ends_at = time.monotonic() + seconds
        self._readings: list[Reading] = []
        self._flights: dict[Future[Any], Flight] = {}
        self._lanes: dict[str, Lane] = {}
        self._shelves = Shelves()
        self._unforeseen: list[Exception] = []
        self._looked_at = time.monotonic()
        self._has_begun = False
        self._ask_at = 0.0

    def work(self) -> None:
        """Raises the first failure that nobody foresaw, after all runs have ended."""
        with (
            lenient_commits(),
            _quiet_gc(),
            ThreadPoolExecutor(ACCOUNTS_AT_ONCE * REQUESTS_PER_ACCOUNT) as pool,
        ):
            self._take_on()
            while self._readings:
                self._make_way()
                for reading in list(self._readings):
                    self._guarded(reading, self._send, reading, pool)
                self._receive()
                self._take_on()
        if self._unforeseen:
            raise self._unforeseen[0]

    def _take_on(self) -> None:
        while len(self._readings) < ACCOUNTS_AT_ONCE:
            if self._has_begun and time.monotonic() >= self._ends_at:
                return
            if time.monotonic() < self._ask_at:
                return
            turn = self._more()
            if turn is None:
                self._ask_at = time.monotonic() + LOOK_EVERY
                return
            self._has_begun = True
            try:
                self._readings.append(Reading.begin(turn, self._lanes, self._shelves))
            except Exception as exc:
                self._conclude(turn, exc)

    def _make_way(self) -> None:
        """Begin nothing more once somebody waits for a push."""
        now = time.monotonic()
        if now - self._looked_at > LOOK_EVERY and self._ends_at < math.inf:
            self._looked_at = now
            if queue.is_wanted_elsewhere():
                self._ends_at = min(self._ends_at, now)

    def _send(self, reading: Reading, pool: ThreadPoolExecutor) -> None:
        now = time.monotonic()
        begins = now < self._ends_at or not (reading.finished_one or reading.windows)
        if begins:
            reading.open_windows()
        if reading.is_done:
            _mark_complete(reading.turn.run, reading.account)
            self._end(reading)
            return
        lane = reading.lane
        if lane.closed_for and reading.is_idle:
            raise MetaError(ErrorKind.THROTTLED, wait_seconds=lane.closed_for)
        end = self._ends_at + GRACE
        is_over = (
            now >= end
            or (now >= self._ends_at and not reading.windows)
            or reading.only_waits_for_reports(end)
        )
        if is_over and reading.is_idle:
            raise reading.give_up_turn()
        while not is_over and lane.has_room and (window := reading.next_window()):
            lane.sent()
            window.in_flight = True
            reading.requests += 1
            future = pool.submit(window.next_call(reading.client))
            self._flights[future] = (reading, window)

    def _receive(self) -> None:
        """Wait for an answer, or until an account that had to pause may be asked again."""
        pauses = [reading.waiting_seconds() for reading in self._readings]
        pause = min([seconds for seconds in pauses if seconds > 0], default=1.0)
        if not self._flights:
            if self._readings:
                time.sleep(min(pause, 1.0) if all(pauses) else 0)
            return
        done, _ = wait(self._flights, timeout=min(pause, 1.0), return_when=FIRST_COMPLETED)
        for future in done:
            reading, window = self._flights.pop(future)
            reading.lane.in_flight -= 1
            if not reading.has_ended:
                self._guarded(reading, reading.take, window, future)

    def _guarded(self, reading: Reading, step: Callable[..., None], *args: Any) -> None:
        """One account's trouble ends its run and no other one."""
        try:
            step(*args)
        except Exception as exc:
            self._end(reading, exc)

    def _end(self, reading: Reading, exc: Exception | None = None) -> None:
        self._readings.remove(reading)
        reading.end()
        self._conclude(reading.turn, exc)
        gc.collect()

    def _conclude(self, turn: Turn, exc: Exception | None) -> None:
        if not conclude(turn, exc) and exc is not None:
            self._unforeseen.append(exc)


@contextmanager
def _quiet_gc() -> Iterator[None]:
    """Pages become hundreds of thousands of objects without cycles; looking for some among them,
    and through the whole of Django each time, took half the time of a reading. What does make
    cycles is cleared away after each account.
    """
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def _mark_complete(run: SyncRun, account: AdAccount) -> None:
    """The figures are as of the run's start, and only if it read every day that may change."""
    assert run.started_at and run.since and run.until  # noqa: PT018 - a claimed run has them
    today = timezone.localdate(run.started_at, ZoneInfo(account.timezone))
    if run.until < today or run.since > first_day_to_read(account, today):
        return
    AdAccount.objects.filter(pk=account.pk).update(insights_complete_at=run.started_at)
