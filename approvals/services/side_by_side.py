"""Many pieces of work that wait for Meta at the same time.

Threads make the calls; everything between two calls, and so all of the database's work, happens in
the caller's thread. A single piece of work needs no thread at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from django.db import connections

logger = logging.getLogger(__name__)

SIDE_BY_SIDE = 8

Call = Callable[[], Any]
# Yields calls and is sent their results; yields None to let the others go first.
Work = Generator[Call | None, Any, None]


def work_through(works: Iterator[Work]) -> None:
    """Do all of it, at most eight pieces at a time; the next one is begun when one has ended.

    A piece that fails for a reason of its own does not hinder the others; its error is raised last.
    """
    with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="meta") as pool:
        _Turns(works, pool).run()


class _Turns:
    def __init__(self, works: Iterator[Work], pool: ThreadPoolExecutor) -> None:
        self.works = works
        self.pool = pool
        self.ready: list[tuple[Work, Call]] = []
        self.calling: dict[Future[Any], Work] = {}
        self.polite: list[Work] = []
        self.failed: Exception | None = None
        self.has_more = True

    def run(self) -> None:
        self._begin_more()
        while self.ready or self.calling or self.polite:
            self._call()
            polite, self.polite = self.polite, []
            for work in polite:
                self._go_on(work)
            self._begin_more()
        if self.failed is not None:
            raise self.failed

    def _begin_more(self) -> None:
        while self.has_more and self._under_way() < SIDE_BY_SIDE:
            work = next(self.works, None)
            if work is None:
                self.has_more = False
                return
            self._go_on(work)

    def _under_way(self) -> int:
        return len(self.ready) + len(self.calling) + len(self.polite)

    def _call(self) -> None:
        """Start the calls that are ready, and take at least one answer."""
        if self._under_way() == 1 and self.ready:
            work, call = self.ready.pop()
            alone: Future[Any] = Future()
            try:
                alone.set_result(call())
            except Exception as exc:
                alone.set_exception(exc)
            self._go_on(work, alone)
            return
        for work, call in self.ready:
            self.calling[self.pool.submit(_make, call)] = work
        self.ready = []
        if self.calling:
            done, _ = wait(self.calling, return_when=FIRST_COMPLETED)
            for future in done:
                self._go_on(self.calling.pop(future), future)

    def _go_on(self, work: Work, answered: Future[Any] | None = None) -> None:
        """Give a piece of work its answer and note the next call it asks for."""
        try:
            error = answered.exception() if answered else None
            if error is not None:
                call = work.throw(error)
            else:
                call = work.send(answered.result() if answered else None)
        except StopIteration:
            return
        except Exception as exc:
            logger.exception("a piece of work failed")
            self.failed = exc
            return
        if call is None:
            self.polite.append(work)
        else:
            self.ready.append((work, call))


def _make(call: Call) -> Any:
    try:
        return call()
    finally:
        connections.close_all()  # of this thread: a lost grant is noted where it is noticed
