"""Kill the real product while it pushes, and count what is at Meta afterwards.

    python -m tests.campaign.campaign [PUSHES [KILLS [SECONDS]]]     default 1000 1500 600

Real web, job clusters and stand-in; a reviewer approves over HTTP; random processes die by SIGKILL
or stop for a moment; the stand-in loses replies, fails with and without effect, throttles, and
shows new ads late in its lists.
"""

from __future__ import annotations

import contextlib
import http.cookiejar
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

from tests.stack import ROOT, Installation, answers, wait_until

LIST_DELAY = 1  # seconds; the settle time of the campaign's settings allows for it
NAIVE = {"CAMPAIGN_WORKER": "naive"}
# How likely each kind of process is the next to die. A cluster's main process and its sentinel cost
# a whole start each, so the processes that do the work die far more often.
LIKELY = {"job": 88, "sentinel": 2, "main": 1, "web": 5, "web master": 1, "stand-in": 3}


class Campaign(Installation):
    """An installation under attack."""

    def __init__(self, folder: Path, *, pushes: int, seed: int = 0, **environment: str) -> None:
        super().__init__(folder)
        self.environment |= {
            "DJANGO_SETTINGS_MODULE": "tests.campaign.settings",
            "PYTHONPATH": str(ROOT),
            **environment,
        }
        self.pushes = pushes
        self.dice = random.Random(seed)
        self.killed: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.log = folder / "log"
        self.is_over = threading.Event()
        self.gives_up = float("inf")
        self._asker: subprocess.Popen[str] | None = None

    # --- the course of things ------------------------------------------------------------------
    def run(
        self, *, kills: int, seconds: float, patience: float = 60, until_doubled: bool = False
    ) -> dict[str, Any]:
        """Everything from the first start to the last push; the figures.

        The killing ends after so many kills or seconds, or when an ad is doubled if that is all
        there is to see; the waiting for what is left ends after ``patience`` seconds.
        """
        began = time.monotonic()
        self.migrate()
        supervisor = self.start("-m", "tests.campaign.processes", log=self.log)
        wait_until(lambda: answers(f"{self.base_url}/healthz"), seconds=60)
        wait_until(lambda: answers(f"{self.sandbox_url}/sandbox/"), seconds=60)
        prepared = self.ask(f"prepare {self.pushes}")
        self.control(listing_delay_seconds=LIST_DELAY)
        self.control(lose_reply={"path": "ads", "method": "POST", "times": 3})
        helpers = [
            threading.Thread(target=self._approve, args=(prepared,)),
            threading.Thread(target=self._make_trouble),
        ]
        for helper in helpers:
            helper.start()
        while sum(self.killed.values()) < kills and time.monotonic() < began + seconds:
            if until_doubled and self.ask("doubled"):
                break
            self._kill()
        self.gives_up = time.monotonic() + patience
        self.is_over.set()
        for helper in helpers:
            helper.join()
        calm = time.time()
        wait_until(self._takes_orders, seconds=20)
        self.control(clear_faults=True)
        settled = self._wait_for_the_end(patience)
        result: dict[str, Any] = self.ask("check")
        result["figures"] |= {
            "kills": sum(self.killed.values()),
            "faults at Meta": sum(self.faults.values()),
            "seconds in all": round(time.monotonic() - began),
            "seconds to the end after the last fault": round(max(0.0, result["last"] - calm), 1),
        }
        result["settled"] = settled
        result["killed"], result["faults"] = dict(self.killed), dict(self.faults)
        result["web"] = dict(self.refused)
        supervisor.terminate()
        return result

    def _wait_for_the_end(self, seconds: float) -> bool:
        """Whether every push is done or with a person in time."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            states = self.ask("states")
            if sum(states.get(name, 0) for name in ("done", "failed")) == self.pushes:
                return True
            time.sleep(0.3)
        return False

    # --- people ---------------------------------------------------------------------------------
    def _approve(self, prepared: dict[str, Any]) -> None:
        """The reviewer approves everything, whatever happens to the web server meanwhile."""
        browser = Browser(self.base_url)
        waiting = list(prepared["variants"])
        pause = 0.0
        while waiting and not (self.is_over.is_set() and time.monotonic() > self.gives_up):
            pk, shown = waiting[0]
            try:
                if not browser.is_in:
                    browser.sign_in(prepared["email"], prepared["password"])
                browser.post(f"/t/{prepared['slug']}/review/{pk}/approve/", {"content_hash": shown})
                waiting.pop(0)
            except (urllib.error.URLError, ConnectionError, TimeoutError) as exc:
                if getattr(exc, "code", 0) == 409:  # decided, but the answer got lost
                    waiting.pop(0)
                self.refused[f"{type(exc).__name__} {getattr(exc, 'code', '')}".strip()] += 1
                pause = 0.1
            time.sleep(pause)
            pause = 0.0

    # --- trouble --------------------------------------------------------------------------------
    def _make_trouble(self) -> None:
        """Faults at the stand-in, some each second, each for one call."""
        while not self.is_over.wait(self.dice.uniform(0.1, 0.4)):
            path = self.dice.choice(["ads", "ads", "adcreatives", "adimages"])
            once = {"path": path, "method": "POST", "times": 1}
            name, switch = self.dice.choice(
                [
                    ("reply lost", {"lose_reply": once}),
                    ("reply lost", {"lose_reply": once}),
                    ("500 with effect", {"fail": {**once, "code": 2, "with_effect": True}}),
                    ("500 without effect", {"fail": {**once, "code": 2}}),
                    ("502 page with effect", {"html_error": {**once, "with_effect": True}}),
                    ("502 page without effect", {"html_error": once}),
                    (
                        "throttled",
                        {"fail": {**once, "status": 400, "code": 613, "subcode": 5044001}},
                    ),
                ]
            )
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                self.control(**switch)
                self.faults[name] += 1

    def _kill(self) -> None:
        """SIGKILL to a random process, now and then to its whole group; at times only a pause."""
        time.sleep(self.dice.uniform(0.05, 0.3))
        kind, victims = self._victims()
        if not victims:
            return
        if self.dice.random() < 0.05:
            self._stop_for_a_moment(self.dice.choice(victims))
            return
        for pid in victims if self.dice.random() < 0.04 else [self.dice.choice(victims)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.killed[kind] += 1

    def _victims(self) -> tuple[str, list[int]]:
        """A kind of process, the likelier ones more often, and all of that kind that live now.

        Nobody dies in place of a kind that does not live: then what is just being started would
        die again and again, and nothing would ever run.
        """
        kind = self.dice.choices(list(LIKELY), list(LIKELY.values()))[0]
        return kind, kinds_of(self.processes()).get(kind, [])

    def _stop_for_a_moment(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(self.dice.uniform(0.2, 1.5))
            os.kill(pid, signal.SIGCONT)

    # --- looking in ------------------------------------------------------------------------------
    def ask(self, question: str) -> Any:
        """The answer of a process inside the installation; it is started anew when it failed."""
        for _ in range(5):
            if self._asker is None:
                self._asker = subprocess.Popen(
                    [sys.executable, "-m", "tests.campaign.inside"],
                    env=self.environment | {"CAMPAIGN_DIES_AT": ""},
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            assert self._asker.stdin
            assert self._asker.stdout
            with contextlib.suppress(BrokenPipeError):
                self._asker.stdin.write(question + "\n")
                self._asker.stdin.flush()
                line = self._asker.stdout.readline()
                if line:
                    return json.loads(line)
            self._dismiss()
        raise AssertionError(f"no answer to {question}")

    def control(self, **switches: Any) -> None:
        """Flip switches of the stand-in."""
        request = urllib.request.Request(
            f"{self.sandbox_url}/sandbox/control",
            json.dumps(switches).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=2):
            pass

    def _takes_orders(self) -> bool:
        try:
            self.control(clear_faults=True)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
        return True

    def close(self) -> None:
        """Kill what is left and drop the database."""
        self.is_over.set()
        self._dismiss()
        super().close()

    def _dismiss(self) -> None:
        if self._asker is not None:
            with contextlib.suppress(BrokenPipeError):
                self._asker.communicate()
            self._asker = None


class Browser:
    """As much of a browser as approving needs."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(self.cookies),
            NoRedirect,
        )
        self.is_in = False

    def sign_in(self, email: str, password: str) -> None:
        """Raises what the network raises."""
        self.opener.open(f"{self.base_url}/sign-in/", timeout=5).close()
        self.post("/sign-in/", {"username": email, "password": password})
        self.is_in = True

    def post(self, path: str, form: dict[str, str]) -> None:
        """Send a form with its token; a redirect counts as done."""
        token = next(cookie.value for cookie in self.cookies if "csrf" in cookie.name)
        data = urllib.parse.urlencode({**form, "csrfmiddlewaretoken": token or ""}).encode()
        request = urllib.request.Request(
            self.base_url + path, data, {"Referer": self.base_url, "Origin": self.base_url}
        )
        try:
            self.opener.open(request, timeout=5).close()
        except urllib.error.HTTPError as answer:
            answer.close()
            if answer.code not in (302, 303):
                raise


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves redirects to us."""

    def redirect_request(self, *_args: Any) -> None:
        return None


def kinds_of(pids: list[int]) -> dict[str, list[int]]:
    """Which of the processes is what."""
    found: dict[str, list[int]] = {}
    parents = {pid: parent_of(pid) for pid in pids}
    for pid, parent in parents.items():
        words = command_line(pid)
        if "processes stand-in" in words:
            kind = "stand-in"
        elif "gunicorn" in words:
            kind = "web" if "gunicorn" in command_line(parent) else "web master"
        elif "qcluster" in words:
            above = "qcluster" in command_line(parent)
            kind = "job" if above and "qcluster" in command_line(parents.get(parent, 0)) else ""
            kind = kind or ("sentinel" if above else "main")
        else:
            continue
        found.setdefault(kind, []).append(pid)
    return found


def parent_of(pid: int) -> int:
    """The parent's id; 0 when the process is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def command_line(pid: int) -> str:
    """The words a process was started with; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def in_words(result: dict[str, Any]) -> str:
    """The figures, to be read."""
    lines = [f"{value:>8}  {name}" for name, value in result["figures"].items()]
    lines += [f"          killed: {result['killed']}", f"          faults: {result['faults']}"]
    lines += [f"          failed requests: {result['web']}"]
    lines += [f"          with a person: {result['people']}"] if result["people"] else []
    lines += [f"VIOLATED  {each}" for each in result["violations"][:20]]
    return "\n".join(lines)


def main(words: list[str]) -> int:
    """0 when nothing was doubled, lost, not paused or otherwise wrong."""
    pushes, kills, seconds = ([int(word) for word in words] + [1000, 1500, 600][len(words) :])[:3]
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
        campaign = Campaign(Path(folder) / "it", pushes=pushes, seed=int(time.time()))
        try:
            result = campaign.run(kills=kills, seconds=seconds, patience=300)
        finally:
            campaign.close()
    print(in_words(result))
    return 1 if result["violations"] or not result["settled"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
