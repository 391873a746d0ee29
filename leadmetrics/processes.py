"""Keeping processes alive, and ending them without leaving one behind.

Each child leads a process group of its own and gets SIGTERM when we die. The job cluster needs more
than that: it can stall for good while its heartbeat goes on (its waiting worker killed), or lose
its main process or its guard and go on without schedules and limits. So it is watched from outside
and started anew as a whole, and each of its processes dies with the one that forked it.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from leadmetrics import queue
from leadmetrics.queue import ClusterStatus

logger = logging.getLogger(__name__)

POLL = 1.0  # seconds between two looks
STEADY = 60.0  # a child that ran this long is started anew without a pause
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(slots=True)
class ClusterCheck:
    """What is wrong with a job cluster, seen from the status that it sends each second.

    It is stalled when it holds work and nothing moves for ``stalled_after`` seconds. A beat counts
    as movement only while it holds no more than ``most_held`` (its queue and its workers): beyond
    that, results pile up because nobody takes them, however busy the workers are.
    """

    stalled_after: float
    most_held: int
    silent_after: float = 10.0
    boots_within: float = 30.0  # a cold start on a busy machine
    status_of: Callable[[int], ClusterStatus | None] = queue.cluster_status
    clock: Callable[[], float] = time.monotonic
    _silent_at: float = 0.0
    _moved_at: float = 0.0
    _last: ClusterStatus | None = None

    def started(self) -> None:
        """The cluster has just been started."""
        self._last = None
        self._moved_at = self.clock()
        self._silent_at = self.clock() + self.boots_within

    def complaint(self, pid: int) -> str:
        """What is wrong with the cluster whose main process is ``pid``; empty when nothing is."""
        now = self.clock()
        try:
            status = self.status_of(pid)
        except Exception as exc:  # whatever the cache raises, it says nothing about the cluster
            logger.warning("the worker's status cannot be read: %s", type(exc).__name__)
            self.started()
            return ""
        if status is None:
            return "sends no status" if now > self._silent_at else ""
        if self._moves(status):
            self._moved_at = now
        self._last, self._silent_at = status, now + self.silent_after
        return "does not move" if now - self._moved_at > self.stalled_after else ""

    def _moves(self, status: ClusterStatus) -> bool:
        last = self._last
        if status.in_memory == 0 or last is None or status.in_memory < last.in_memory:
            return True
        return status.in_memory <= self.most_held and status != last


@dataclass(slots=True)
class Child:
    """One process that has to run.

    ``grace`` is how many seconds it gets to end by itself, ``dies_by`` what it gets when we die.
    """

    name: str
    argv: Sequence[str]
    grace: float
    health: ClusterCheck | None = None
    dies_by: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    quick_ends: int = 0
    next_start: float = 0.0

    def start(self) -> None:
        """Start it in a process group of its own, after killing what is left of its last one.

        The thread that calls this must live as long as the child may.
        """
        self.kill_group()
        parent = os.getpid()
        self.process = subprocess.Popen(  # noqa: S603 - our own commands
            self.argv,
            stdout=subprocess.DEVNULL,  # what matters goes to stderr, which is ours
            start_new_session=True,
            preexec_fn=lambda: _end_with(parent, self.dies_by),
        )
        self.started_at = time.monotonic()
        if self.health:
            self.health.started()

    def is_running(self) -> bool:
        """Whether the main process lives."""
        return self.process is not None and self.process.poll() is None

    def complaint(self) -> str:
        """Why it must be started anew; empty when all is well."""
        if self.process is None or not self.is_running():
            return "ended"
        return self.health.complaint(self.process.pid) if self.health else ""

    def ask_to_end(self) -> None:
        """SIGTERM to the main process only: a cluster whose other processes hear it hangs."""
        if self.is_running() and self.process is not None:
            self.process.terminate()

    def kill_group(self) -> None:
        """SIGKILL to whatever is left of the group, the main process included."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def put_off(self) -> None:
        """Wait before the next start, longer each time it ended soon after the last one."""
        now = time.monotonic()
        self.quick_ends = self.quick_ends + 1 if now - self.started_at < STEADY else 0
        self.next_start = now + min(
            2.0 ** max(self.quick_ends - 1, 0) - 1, settings.WORKER_LONGEST_PAUSE_SECONDS
        )


class Supervisor:
    """Runs children until told to stop, starting those anew that end or fall ill."""

    def __init__(self, children: Sequence[Child]) -> None:
        self.children = children
        # Plain flags: an Event's lock, taken by a signal handler, can deadlock with its own wait.
        self.is_stopping = False
        self._in_a_hurry = False

    def stop_on_signals(self) -> None:
        """SIGINT, SIGTERM and a closed terminal end ``run``; a second one ends the waiting too.

        SIGINT counts even where a shell made us ignore it, as it does for jobs in the background.
        """
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
            numbers.append(signal.SIGHUP)
        for number in numbers:
            signal.signal(number, lambda *_: self.stop())

    def stop(self) -> None:
        """End ``run`` soon; called again, without waiting for children to end by themselves."""
        self._in_a_hurry = self.is_stopping
        self.is_stopping = True

    def run(self) -> None:
        """Start the children that do not run yet, look after all until stopped, then end them."""
        try:
            while not self.is_stopping:
                for child in self.children:
                    self._look_after(child)
                self._pause()
        finally:
            self.end()

    def end(self) -> None:
        """End the children, last one first: a worker may still need what was started before it."""
        for child in reversed(self.children):
            child.ask_to_end()
            deadline = time.monotonic() + child.grace
            while child.is_running() and time.monotonic() < deadline and not self._in_a_hurry:
                time.sleep(0.05)
            child.kill_group()

    def _pause(self) -> None:
        until = time.monotonic() + POLL
        while not self.is_stopping and time.monotonic() < until:
            time.sleep(0.1)

    def _look_after(self, child: Child) -> None:
        if child.process is not None:
            wrong = child.complaint()
            if not wrong:
                return
            logger.warning("%s %s; it is started anew", child.name, wrong)
            child.kill_group()
            child.put_off()
        if time.monotonic() >= child.next_start:
            child.start()


def manage(*arguments: str) -> list[str]:
    """The command line of one of our management commands."""
    return [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *arguments]


def cluster() -> Child:
    """The job cluster. Its own limit for a job must end a stuck one before we call it stalled."""
    limits: dict[str, Any] = settings.Q_CLUSTER
    check = ClusterCheck(
        stalled_after=limits["timeout"] + settings.WORKER_STALLED_SECONDS,
        most_held=limits["queue_limit"] + limits["workers"],
    )
    # A worker that is killed in the middle is safe; one that nobody watches may run into the next.
    return Child(
        "worker",
        manage("qcluster"),
        grace=limits["timeout"] + 10.0,
        health=check,
        dies_by=signal.SIGKILL,
    )


def end_forks_with_their_parent() -> None:
    """Each process that is forked from now on, here and in those, dies with the one that did it."""
    forking = {"pid": os.getpid()}
    os.register_at_fork(
        before=lambda: forking.update(pid=os.getpid()),
        after_in_child=lambda: _end_with(forking["pid"], signal.SIGKILL),
    )


def _end_with(parent: int, signal_number: signal.Signals) -> None:
    """In a child that was just forked: get this signal when the parent is gone."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal_number)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)
