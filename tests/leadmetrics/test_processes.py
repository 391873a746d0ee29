"""The supervisor, with real child processes; and with a real job cluster that gets killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from leadmetrics.processes import Child, Supervisor
from tests.stack import ROOT, Installation, wait_until

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


# --- A real cluster -----------------------------------------------------------------------------

# With the campaign's short times: what a dead cluster had in its hands comes back after 12 seconds.
SUPERVISED = """
import django; django.setup()
from leadmetrics.processes import Supervisor, cluster
supervisor = Supervisor([cluster()])
supervisor.stop_on_signals()
supervisor.run()
"""
# A connection of its own to the installation, so that asking costs no new process each time.
ASK = """
import json, sys
import django; django.setup()
from django.utils import timezone
from django_q.models import OrmQ, Success
from django_q.status import Stat
from leadmetrics import queue
from leadmetrics.notices.services import notify_operators
from leadmetrics.tenancy.models import User
for line in sys.stdin:
    word, number = line.split()
    if word == "enqueue":
        for _ in range(int(number)):
            queue.enqueue("leadmetrics.tasks.prune_results")
    if word == "foreign":  # signed with another SECRET_KEY
        OrmQ.objects.create(key="leadmetrics", payload=f"job:{number}", lock=timezone.now())
    if word == "mail":
        User.objects.get_or_create(email="sam@example.com", defaults={"is_staff": True})
        notify_operators(key=number, subject="A mail", body="That nobody takes.")
    answer = {
        "waiting": OrmQ.objects.count(),
        "done": Success.objects.filter(name="leadmetrics.tasks.prune_results").count(),
        "clusters": [
            {
                "main": s.pid, "guard": s.sentinel, "workers": s.workers, "pusher": s.pusher,
                "monitor": s.monitor, "is_up": s.status in ("Idle", "Working"),
            }
            for s in Stat.get_all()
        ],
    }
    print(json.dumps(answer, default=str), flush=True)
"""
ROUNDS = int(os.environ.get("CRASH_ROUNDS", "0"))
# A stall that only an eye from outside sees, and the loss of the process that forks the others.
FEW_KINDS = ("idle workers", "guard")
ALL_KINDS = ("pusher", "idle workers", "busy worker", "monitor", "guard", "main")


class Cluster:
    """A supervised cluster in an installation of its own, and a process to ask about it.

    Its mails go to a server that takes them and never answers: a job that hangs.
    """

    def __init__(self, folder: Path) -> None:
        self.mail_server = socket.create_server(("127.0.0.1", 0))
        self.mail_server.settimeout(40)
        self.installation = Installation(folder)
        self.installation.environment |= {
            "DJANGO_SETTINGS_MODULE": "tests.campaign.settings",
            "PYTHONPATH": str(ROOT),
            "EMAIL_URL": f"smtp://127.0.0.1:{self.mail_server.getsockname()[1]}",
        }
        self.installation.migrate()
        self.log = folder / "log"
        self.start()
        self.enqueued = 0
        self.asker = subprocess.Popen(
            [sys.executable, "-c", ASK],
            env=self.installation.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self) -> None:
        self.supervisor = self.installation.start("-c", SUPERVISED, log=self.log)

    def ask(self, word: str = "look", number: object = 0) -> dict[str, Any]:
        assert self.asker.stdin
        assert self.asker.stdout
        self.asker.stdin.write(f"{word} {number}\n")
        self.asker.stdin.flush()
        answer: dict[str, Any] = json.loads(self.asker.stdout.readline())
        return answer

    def up(self, besides: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The cluster once all of it runs, or the other one."""

        def find() -> dict[str, Any] | None:
            known = besides["main"] if besides else 0
            clusters = [c for c in self.ask()["clusters"] if c["main"] != known]
            alive = (c for c in clusters if c["is_up"] and c["workers"] and is_alive(c["main"]))
            return next((c for c in alive if all(map(is_alive, pids_of(c)))), None)

        found: dict[str, Any] = wait_until(find, seconds=60)
        return found

    def works(self) -> None:
        """Jobs that come now are done, and so is each that came before."""
        self.enqueued += 4
        self.ask("enqueue", 4)
        wait_until(lambda: self.ask()["done"] >= self.enqueued, seconds=120)

    def hangs(self, key: object) -> tuple[int, socket.socket]:
        """The worker that sends a mail which nobody takes, and its connection."""
        self.ask("mail", key)
        while True:
            taken, (_, port) = self.mail_server.accept()
            for pid in self.installation.processes():
                if owns(pid, port):
                    return pid, taken
            taken.close()  # of a process that has died since

    def kill(self, kind: str, key: object) -> None:
        """SIGKILL to this kind of process."""
        now = self.up()
        if kind == "busy worker":
            pid, taken = self.hangs(key)
            os.kill(pid, signal.SIGKILL)
            taken.close()
            return
        # Of the waiting workers one holds the queue's lock, which dies with it.
        for pid in now["workers"] if kind == "idle workers" else [now[kind]]:
            os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        self.asker.communicate()
        self.installation.close()
        self.mail_server.close()


def pids_of(cluster: dict[str, Any]) -> list[int]:
    own = (cluster[name] for name in ("main", "guard", "pusher", "monitor"))
    return [*own, *cluster["workers"]]


def owns(pid: int, port: int) -> bool:
    """Whether the process has the connection from this local port."""
    wanted = f"0100007F:{port:04X}"
    table = Path("/proc/net/tcp").read_text().splitlines()
    (inode,) = {words[9] for words in map(str.split, table) if words[1] == wanted}
    try:
        links = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:  # it is just ending
        return False
    return f"socket:[{inode}]" in links


@pytest.fixture(scope="module")
def real_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster") / "installation")
    yield made
    made.close()


def test_work_goes_on_whoever_of_the_cluster_dies(real_cluster: Cluster) -> None:
    """Two kinds of processes, or all six as often as CRASH_ROUNDS says; a job over its time."""
    for number in range(ROUNDS or 1):
        for kind in ALL_KINDS if ROUNDS else FEW_KINDS:
            real_cluster.kill(kind, number)
            real_cluster.works()
    assert "worker does not move; it is started anew" in real_cluster.log.read_text()
    real_cluster.ask("foreign", 1)
    real_cluster.works()
    wait_until(lambda: real_cluster.ask()["waiting"] == 0, seconds=40)
    over_its_time, taken = real_cluster.hangs("long")
    wait_until(lambda: not is_alive(over_its_time), seconds=20)
    taken.close()
    real_cluster.works()


def test_new_cluster_goes_on_while_the_old_one_ends_amid_a_hung_job(real_cluster: Cluster) -> None:
    """A rolling restart; which of the two takes the job is the lot's, and that one is the old."""
    first = real_cluster.supervisor
    one = real_cluster.up()
    real_cluster.start()
    other = real_cluster.up(besides=one)
    busy, taken = real_cluster.hangs("stop")
    old, new = (first, real_cluster.supervisor)
    last = one
    if busy in other["workers"]:
        old, new, last = new, old, other
    old.terminate()
    real_cluster.works()
    assert old.wait(timeout=80) == 0, real_cluster.log.read_text()
    taken.close()
    assert not any(map(is_alive, pids_of(last)))
    assert new.poll() is None
    assert real_cluster.ask()["done"] == real_cluster.enqueued
    real_cluster.supervisor = new


def test_cluster_ends_at_once_with_its_supervisor_although_a_job_hangs(
    real_cluster: Cluster,
) -> None:
    if real_cluster.supervisor.poll() is not None:
        real_cluster.start()
    real_cluster.up()
    _, taken = real_cluster.hangs("once")
    real_cluster.supervisor.kill()
    real_cluster.supervisor.wait()
    alone = [real_cluster.asker.pid]
    wait_until(lambda: real_cluster.installation.processes() == alone, seconds=5)
    taken.close()
