"""What the supervisor thinks of a job cluster, by the status that it sends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from leadmetrics.processes import POLL, ClusterCheck, cluster
from leadmetrics.queue import ClusterStatus


class Watch:
    """A check whose clock and status the test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.status: ClusterStatus | None = None
        self.check = ClusterCheck(
            stalled_after=90.0, most_held=4, status_of=lambda _: self.status, clock=lambda: self.now
        )
        self.check.started()

    def after(self, seconds: float, status: ClusterStatus | None) -> str:
        self.now, self.status = self.now + seconds, status
        return self.check.complaint(1)

    def over(self, seconds: int, status_at: Callable[[int], ClusterStatus]) -> str:
        """The first complaint while the cluster sends a status each second."""
        return next(filter(None, (self.after(1, status_at(n)) for n in range(seconds))), "")


def test_cluster_gets_time_to_boot_before_it_counts_as_silent() -> None:
    watch = Watch()
    assert watch.after(29, None) == ""
    assert watch.after(2, None) == "sends no status"


def test_cluster_that_falls_silent_is_reported_after_ten_seconds() -> None:
    watch = Watch()
    watch.after(5, ClusterStatus(0, 0.0))
    assert watch.after(9, None) == ""
    assert watch.after(2, None) == "sends no status"


def test_idle_cluster_is_healthy_for_ever() -> None:
    assert Watch().over(7200, lambda _: ClusterStatus(0, 1.0)) == ""


def test_cluster_that_holds_work_without_a_beat_is_stalled() -> None:
    watch = Watch()
    assert watch.over(90, lambda _: ClusterStatus(2, 1.0)) == ""
    assert watch.over(3, lambda _: ClusterStatus(2, 1.0)) == "does not move"


def test_busy_cluster_with_a_full_queue_is_healthy() -> None:
    assert Watch().over(3600, lambda n: ClusterStatus(3, n // 60)) == ""


def test_cluster_whose_results_nobody_takes_is_stalled_however_busy_it_is() -> None:
    results = Watch().over(600, lambda n: ClusterStatus(n // 30, float(n)))
    assert results == "does not move"


def test_backlog_of_results_that_shrinks_is_healthy() -> None:
    assert Watch().over(600, lambda n: ClusterStatus(700 - n, 1.0)) == ""


def test_unreadable_status_is_not_held_against_the_cluster() -> None:
    def refuse(_: int) -> ClusterStatus | None:
        raise ConnectionError

    now = [0.0]
    check = ClusterCheck(stalled_after=90.0, most_held=4, status_of=refuse, clock=lambda: now[0])
    check.started()
    now[0] = 1000.0
    assert check.complaint(1) == ""


def test_cluster_gets_longer_than_its_longest_job(settings: Any) -> None:
    limit = settings.Q_CLUSTER["timeout"]
    child = cluster()
    assert child.grace > limit
    assert child.health is not None
    assert child.health.stalled_after > limit


def test_stalled_cluster_works_again_within_two_minutes(settings: Any) -> None:
    """What the real one in test_processes needs with short limits, with the product's own.

    A stall begins when nothing moves; until it is noticed, started anew and the first job is done.
    """
    child = cluster()
    assert child.health is not None
    boots_and_does_a_job = 20.0
    assert child.health.stalled_after + POLL + boots_and_does_a_job <= 120
    assert settings.WORKER_LONGEST_PAUSE_SECONDS <= 30
