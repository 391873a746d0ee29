"""The supervisor, with real child processes; and with a real job cluster that gets killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from leadmetrics.processes import POLL, Child, ClusterCheck, Supervisor, cluster
from leadmetrics.queue import ClusterStatus
from tests.stack import Installation, wait_until

# Two processes in one group; the first writes both ids down and ends on SIGTERM.
PAIR = """
import os, pathlib, sys, time
second = os.fork()
if second:
    path = pathlib.Path(sys.argv[1])
    draft = path.with_suffix(".draft")
    draft.write_text(f"{os.getpid()} {second}")
    draft.rename(path)
time.sleep(600)
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + PAIR


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that ended and only waits to be noticed does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def pair(tmp_path: Path, program: str = PAIR, grace: float = 5.0) -> tuple[Child, Path]:
    told = tmp_path / "pids"
    return Child("pair", [sys.executable, "-c", program, str(told)], grace=grace), told


def pids_in(told: Path) -> list[int]:
    """The ids that a pair wrote down, once; the file is taken away for the next start."""
    wait_until(told.exists, seconds=10)
    pids = [int(word) for word in told.read_text().split()]
    told.unlink()
    return pids


@contextlib.contextmanager
def running(supervisor: Supervisor) -> Iterator[None]:
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        yield
    finally:
        supervisor.stop()
        thread.join()


def test_end_leaves_no_process_of_the_group(tmp_path: Path) -> None:
    child, told = pair(tmp_path)
    with running(Supervisor([child])):
        pids = pids_in(told)
        assert all(map(is_alive, pids))
    wait_until(lambda: not any(map(is_alive, pids)), seconds=5)


def test_child_that_ignores_the_request_is_killed_after_its_grace(tmp_path: Path) -> None:
    child, told = pair(tmp_path, STUBBORN, grace=0.3)
    with running(Supervisor([child])):
        pids = pids_in(told)
    wait_until(lambda: not any(map(is_alive, pids)), seconds=5)


def test_second_request_to_stop_does_not_wait_for_the_grace(tmp_path: Path) -> None:
    child, told = pair(tmp_path, STUBBORN, grace=600.0)
    supervisor = Supervisor([child])
    with running(supervisor):
        pids = pids_in(told)
        supervisor.stop()
    wait_until(lambda: not any(map(is_alive, pids)), seconds=5)


def test_children_end_last_one_first(tmp_path: Path) -> None:
    order = tmp_path / "order"
    program = (
        "import signal, sys, time\n"
        "def end(*_):\n"
        "    open(sys.argv[1], 'a').write(sys.argv[2])\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "open(sys.argv[1] + sys.argv[2], 'w')\n"
        "time.sleep(600)\n"
    )
    names = "abc"
    children = [
        Child(name, [sys.executable, "-c", program, str(order), name], grace=5.0) for name in names
    ]
    with running(Supervisor(children)):
        for name in names:
            wait_until(Path(f"{order}{name}").exists, seconds=10)
    assert order.read_text() == "cba"


def test_child_that_dies_is_started_anew_and_its_group_cleared(tmp_path: Path) -> None:
    child, told = pair(tmp_path)
    with running(Supervisor([child])):
        first, orphan = pids_in(told)
        os.kill(first, signal.SIGKILL)
        second, _ = pids_in(told)
        assert second != first
        assert not is_alive(orphan)


def test_child_that_keeps_ending_waits_longer_each_time() -> None:
    child = Child("short", [sys.executable, "-c", ""], grace=1.0)
    waits = []
    for _ in range(7):
        child.start()
        child.kill_group()
        child.put_off()
        waits.append(round(child.next_start - time.monotonic()))
    assert waits == [0, 1, 3, 7, 15, 30, 30]


def test_child_that_ran_long_is_started_anew_at_once() -> None:
    child = Child("steady", [sys.executable, "-c", ""], grace=1.0, quick_ends=5)
    child.start()
    child.started_at -= 3600
    child.kill_group()
    child.put_off()
    assert child.next_start <= time.monotonic()


def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    told = tmp_path / "pids"
    program = (
        "import sys, django; django.setup()\n"
        "from leadmetrics.processes import POLL, Child, Supervisor\n"
        "Supervisor([Child('pair', [sys.executable, '-c', *sys.argv[1:]], grace=5.0)]).run()\n"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", program, PAIR, str(told)])
    first, second = pids_in(told)
    supervisor.kill()
    supervisor.wait()
    wait_until(lambda: not is_alive(first), seconds=5)
    with contextlib.suppress(ProcessLookupError):  # only main processes hear of it
        os.kill(second, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_a_supervisor_that_a_shell_put_into_the_background(
    tmp_path: Path, number: signal.Signals
) -> None:
    told = tmp_path / "pids"
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "import django; django.setup()\n"
        "from leadmetrics.processes import POLL, Child, Supervisor\n"
        "child = Child('pair', [sys.executable, '-c', *sys.argv[1:]], grace=5.0)\n"
        "supervisor = Supervisor([child]); supervisor.stop_on_signals(); supervisor.run()\n"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", program, PAIR, str(told)])
    pids = pids_in(told)
    supervisor.send_signal(number)
    try:
        assert supervisor.wait(timeout=20) == 0
    finally:
        supervisor.kill()
        supervisor.wait()
    wait_until(lambda: not any(map(is_alive, pids)), seconds=5)


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
    """What the real one below needs with its limit of 4 s, with the product's own limits.

    A stall begins when nothing moves; until it is noticed, started anew and the first job is done.
    """
    child = cluster()
    assert child.health is not None
    boots_and_does_a_job = 20.0
    assert child.health.stalled_after + POLL + boots_and_does_a_job <= 120
    assert settings.WORKER_LONGEST_PAUSE_SECONDS <= 30


# --- A real cluster -----------------------------------------------------------------------------

SUPERVISED = """
import django; django.setup()
from leadmetrics.processes import Supervisor, cluster
child = cluster()
child.health.stalled_after = 4.0
supervisor = Supervisor([child])
supervisor.stop_on_signals()
supervisor.run()
"""
# A connection of its own to the installation, so that asking costs no new process each time.
ASK = """
import json, sys
import django; django.setup()
from django.db import connection
from django_q.models import Success
from django_q.status import Stat
from leadmetrics import queue
for line in sys.stdin:
    word, number = line.split()
    if word == "enqueue":
        for _ in range(int(number)):
            queue.enqueue("leadmetrics.tasks.prune_results")
    answer = {
        "done": Success.objects.count(),
        "clusters": [
            {"main": s.pid, "sentinel": s.sentinel, "workers": s.workers, "state": str(s.status)}
            for s in Stat.get_all()
        ],
    }
    print(json.dumps(answer), flush=True)
"""


class Cluster:
    """A supervised cluster in an installation of its own, and a process to ask about it."""

    def __init__(self, folder: Path) -> None:
        self.installation = Installation(folder)
        self.installation.manage("migrate", "--verbosity", "0")
        self.log = folder / "log"
        self.supervisor = self.installation.start("-c", SUPERVISED, log=self.log)
        self.asker = subprocess.Popen(
            [sys.executable, "-c", ASK],
            env=self.installation.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, word: str = "look", number: int = 0) -> dict[str, Any]:
        assert self.asker.stdin
        assert self.asker.stdout
        self.asker.stdin.write(f"{word} {number}\n")
        self.asker.stdin.flush()
        answer: dict[str, Any] = json.loads(self.asker.stdout.readline())
        return answer

    def idle(self, other_than: int = 0) -> dict[str, Any]:
        """The cluster once it runs, with another main process than the one given."""

        def find() -> dict[str, Any] | None:
            up = (c for c in self.ask()["clusters"] if c["state"] == "Idle")
            return next((c for c in up if c["main"] != other_than and c["workers"]), None)

        found: dict[str, Any] = wait_until(find, seconds=40)
        return found

    def does(self, jobs: int) -> None:
        wait_until(lambda: self.ask()["done"] >= jobs, seconds=40)

    def stop(self) -> None:
        self.supervisor.terminate()
        assert self.supervisor.wait(timeout=80) == 0, self.log.read_text()

    def close(self) -> None:
        self.asker.communicate()
        self.installation.close()


@pytest.fixture
def real_cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path / "installation")
    yield made
    made.close()


def test_real_cluster_survives_the_death_of_its_waiting_worker(real_cluster: Cluster) -> None:
    before = real_cluster.idle()
    for pid in before["workers"]:  # one of them holds the queue's lock, which dies with it
        os.kill(pid, signal.SIGKILL)
    # What the dead cluster took (its queue and one in hand) comes back when its lease ends.
    real_cluster.ask("enqueue", 8)
    real_cluster.does(5)
    after = real_cluster.idle(other_than=before["main"])
    assert not is_alive(before["main"])
    assert not is_alive(before["sentinel"])
    assert "worker does not move; it is started anew" in real_cluster.log.read_text()
    real_cluster.stop()
    assert not is_alive(after["main"])
    assert real_cluster.installation.processes() == [real_cluster.asker.pid]


def test_real_cluster_survives_the_death_of_its_main_process(real_cluster: Cluster) -> None:
    before = real_cluster.idle()
    os.kill(before["main"], signal.SIGKILL)
    real_cluster.idle(other_than=before["main"])
    assert not any(map(is_alive, [before["sentinel"], *before["workers"]]))
    real_cluster.ask("enqueue", 4)
    real_cluster.does(4)
    real_cluster.stop()
    assert real_cluster.installation.processes() == [real_cluster.asker.pid]
