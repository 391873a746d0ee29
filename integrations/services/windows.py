"""Windows of days: which are still to be read, and how one is read page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from integrations.meta_ads.client import MetaAdsClient
from integrations.meta_ads.errors import ErrorKind, MetaError, Unreadable
from integrations.meta_ads.insights import PAGE_SIZE
from integrations.meta_ads.paging import SMALLEST_PAGE
from integrations.meta_ads.types import InsightsPage, InsightsQuery, ReportState
from integrations.services.shelves import Shelf

# "The query asks for more data than one call can return": smaller pages do not help.
_QUERY_TOO_LARGE = 1487534
# A report takes seconds to an hour.
FIRST_LOOK, LONGEST_LOOK = 0.5, 15.0


class DayPlan:
    """Days to read, newest first, given out in windows of neighbouring days."""

    def __init__(self, days: Iterable[date]) -> None:
        self._days = sorted(days)

    def __len__(self) -> int:
        return len(self._days)

    def drop(self, first: date, last: date) -> None:
        """These days are taken care of already."""
        self._days = [day for day in self._days if not first <= day <= last]

    def take(self, most: int) -> tuple[date, date]:
        """The newest days of one month, at most so many: the first and the last.

        Each window adds its months up anew, so one that stays in a month costs half as much.
        """
        last = first = self._days.pop()
        while (
            self._days
            and self._days[-1] == first - timedelta(days=1)
            and first.day > 1
            and most > 1
        ):
            first = self._days.pop()
            most -= 1
        return first, last


@dataclass(slots=True)
class Window:
    """Some days of one level on their way into a shelf.

    Asked for directly at first; when Meta finds a page too large, in smaller pages; when it finds
    the query too large, as a report that it prepares. If that does not help either, the days are
    halved (see ``is_too_large``).
    """

    query: InsightsQuery
    shelf: Shelf
    began: datetime
    limit: int = field(default_factory=lambda: PAGE_SIZE)
    after: str = ""
    seen: set[str] = field(default_factory=set)
    wants_report: bool = False
    report_id: str = ""
    report_is_ready: bool = False
    lost_report: bool = False
    look_after: float = field(default_factory=lambda: FIRST_LOOK)
    look_at: float = 0.0
    in_flight: bool = False

    @property
    def days(self) -> int:
        return (self.query.until - self.query.since).days + 1

    @property
    def name(self) -> str:
        """What it is called in the run's list of reports."""
        return f"{self.query.level} {self.query.since} {self.query.until}"

    @property
    def waits_for_report(self) -> bool:
        return bool(self.report_id) and not self.report_is_ready

    def next_call(self, client: MetaAdsClient) -> Callable[[], Any]:
        """The request that brings it on, to be made by a thread."""
        if self.waits_for_report:
            report_id = self.report_id
            return lambda: client.read_report_state(report_id)
        if self.wants_report and not self.report_id:
            return lambda: client.start_report(self.query)
        after, limit, report = self.after, self.limit, self.report_id
        return lambda: client.read_insights_page(
            self.query, after=after, limit=limit, report_id=report
        )

    def take(self, result: InsightsPage | ReportState | str, now: float) -> bool:
        """Put down what a request brought; True when that was the last page.

        Raises Unreadable for a cursor that comes back, which would go on for ever.
        """
        if isinstance(result, str):
            self.report_id, self.look_at = result, now + self.look_after
            return False
        if isinstance(result, ReportState):
            if result.has_failed:
                raise MetaError(ErrorKind.TOO_MUCH_DATA)
            self.report_is_ready = result.is_ready
            self.look_after = min(self.look_after * 1.5, LONGEST_LOOK)
            self.look_at = 0.0 if result.is_ready else now + self.look_after
            return False
        self.shelf.add(result.rows)
        self.after = result.after
        if self.after in self.seen:
            raise Unreadable
        self.seen.add(self.after)
        return result.is_last

    def can_be_asked_otherwise(self, exc: MetaError) -> bool:
        """After "too large": whether there is another way to ask for the same days."""
        if self.wants_report:
            return False
        if exc.meta_subcode != _QUERY_TOO_LARGE and self.limit > SMALLEST_PAGE:
            self.limit = max(self.limit // 2, SMALLEST_PAGE)
            return True
        self.wants_report = True
        self.begin_again()
        return True

    def begin_again(self) -> None:
        """Forget the pages so far; the next request is for the first one."""
        self.limit, self.after, self.look_at = PAGE_SIZE, "", 0.0
        self.seen.clear()
        self.report_id, self.report_is_ready = "", False
        self.shelf.clear()

    def halves(self) -> list[tuple[str, date, date]]:
        """Its days in two parts, newer ones first; empty when it is a single day."""
        if self.days == 1:
            return []
        since, until = self.query.since, self.query.until
        middle = until - timedelta(days=self.days // 2)
        level = self.query.level
        return [(level, middle + timedelta(days=1), until), (level, since, middle)]
