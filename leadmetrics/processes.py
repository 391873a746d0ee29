"""Keeping processes alive, and ending them without leaving one behind.

Each child leads its own process group and gets SIGTERM when we die. The job cluster needs more than
that: it can stall for good while its heartbeat goes on (its idle worker killed), or lose its main
process and go on without schedules. So it is watched from outside and restarted as a whole.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from leadmetrics import queue

logger = logging.getLogger(__name__)

POLL = 1.0  # seconds between two looks
SILENT = 15.0  # a running cluster sends a status each second
LONGEST_PAUSE = 30.0
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class ClusterCheck:
    """A cluster is ill when it is silent, or holds work that does not move any more."""

    stalled_after: float
    clock: Callable[[], float] = time.monotonic
    _heard_at: float = 0.0
    _moved_at: float = 0.0
    _last: object = None

    def started(self) -> None:
        """The cluster has just been started."""
        self._heard_at = self._moved_at = self.clock()
        self._last = None

    def complaint(self, pid: int) -> str:
        """What is wrong with the cluster; empty when nothing is."""
        now, status = self.clock(), queue.cluster_status(pid)
        if status is None:
            return "sends no status" if now - self._heard_at > SILENT else ""
        self._heard_at = now
        if status.in_memory == 0 or status != self._last:
            self._last, self._moved_at = status, now
        return "does not move" if now - self._moved_at > self.stalled_after else ""


@dataclass(slots=True)
class Child:
    """One process that has to run. ``grace`` is how many seconds it gets to end by itself."""

    name: str
    argv: Sequence[str]
    grace: float
    health: ClusterCheck | None = None
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    next_start: float = 0.0

    def start(self) -> None:
        """Start it in a process group of its own, after whatever is left of the last one."""
        self.kill_group()
        self.process = subprocess.Popen(  # noqa: S603 - our own commands
            self.argv,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
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
        """SIGTERM to the main process only: the cluster's others must not hear it."""
        if self.is_running() and self.process is not None:
            self.process.terminate()

    def kill_group(self) -> None:
        """SIGKILL to whatever is left of the group."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Supervisor:
    """Runs children until told to stop, restarting those that die or fall ill."""

    def __init__(self, children: Sequence[Child]) -> None:
        self.children = children
        self._stop = threading.Event()

    def start(self) -> None:
        """Start every child."""
        for child in self.children:
            child.start()

    def stop_on_signals(self) -> None:
        """SIGINT and SIGTERM end ``run``."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stop.set())

    def stop(self) -> None:
        """End ``run`` at its next look."""
        self._stop.set()

    @property
    def is_stopping(self) -> bool:
        return self._stop.is_set()

    def run(self) -> None:
        """Look after the children until stopped, then end them all."""
        try:
            while not self._stop.wait(POLL):
                for child in self.children:
                    self._look_after(child)
        finally:
            self.end()

    def end(self) -> None:
        """End every child; when this returns, none of their processes is left."""
        for child in self.children:
            child.ask_to_end()
        deadline = time.monotonic() + max(child.grace for child in self.children)
        while any(child.is_running() for child in self.children) and time.monotonic() < deadline:
            time.sleep(0.05)
        for child in self.children:
            child.kill_group()

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is not None:
            wrong = child.complaint()
            if not wrong:
                return
            logger.warning("%s %s; it is started anew", child.name, wrong)
            child.kill_group()
            child.process = None
            child.restarts += 1
            child.next_start = now + min(2.0 ** min(child.restarts - 1, 5) - 1, LONGEST_PAUSE)
        if now >= child.next_start:
            child.start()


def manage(*arguments: str) -> list[str]:
    """The command line of one of our management commands."""
    return [sys.executable, "-m", "django", *arguments]


def cluster() -> Child:
    """The job cluster. A stuck job is ended by its own timeout (60 s) before we call it stalled."""
    return Child("worker", manage("qcluster"), grace=70.0, health=ClusterCheck(stalled_after=90.0))


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
