"""A worker dies by SIGKILL at every named point of a push; nothing is doubled.

Once each in the suite, CRASH_ROUNDS times where that is set: `make campaign` asks for five.

The worker is a process of its own, forked for each death; it runs the job's very function on its
own database connection and dies in the middle. Then time passes and others go on.
"""

from __future__ import annotations

import os
import re
import signal
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, connections

from approvals.content import content_hash
from approvals.invariants import violations
from approvals.models import AdVariant, Decision, Push
from approvals.selectors.sending import due_pushes
from approvals.services.push import push_variant
from approvals.services.review import approve_variant
from approvals.states import PushState
from integrations.services import clients
from leadmetrics import crash_points
from leadmetrics.audit.models import AuditEntry
from leadmetrics.demo_images import draw_scene
from tests.approvals.conftest import propose
from tests.approvals.services.test_push import ads_of, approve, later, meta
from tests.ledger import ledger_of

__all__ = ["meta"]

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "1"))
PICTURES = ("ridge", "lake", "forest")
STEPS = [
    *(
        f"{kind}.{moment}"
        for kind in ("image", "creative", "ad")
        for moment in ("intended", "before", "answered", "recorded", "after")
    ),
    *("pause.before", "pause.answered", "pause.recorded"),
]
POINTS = [
    "approve.written",
    "approve.committed",
    "claim.written",
    "claim.committed",
    *STEPS,
    "look_up.before",
    "look_up.answered",
    "read_back.before",
    "read_back.answered",
    "finish.written",
    "finish.committed",
    "put_off.written",
    "put_off.committed",
    "give_up.written",
    "give_up.committed",
]
LOST = {"lose_reply": {"path": "ads", "times": 1}}
REFUSED = {"fail": {"path": "adcreatives", "status": 400, "code": 100, "times": 1}}


def dies(point: str, work: Callable[[], object]) -> None:
    """Do the work in a process that kills itself at the point."""
    clients._session.close()  # a connection may not be shared with the child
    connections.close_all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        crash_points.handler = lambda name: (
            os.kill(os.getpid(), signal.SIGKILL) if name == point else None
        )
        try:
            work()
        finally:
            os._exit(1)  # it should not have lived so long
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"nobody came to {point}"
    assert os.WTERMSIG(status) == signal.SIGKILL


def go_on(push: Push) -> Push:
    """Others find it, as the sweep would, while time passes."""
    for seconds in (0, 100, 300, 500, 700, 900):
        with later(seconds):
            push_variant(push_id=push.pk)
        push.refresh_from_db()
        if push.state in (PushState.DONE, PushState.FAILED):
            break
    return push


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", POINTS)
def test_death_at_every_point_leaves_exactly_one_ad(meta, agent, target, ben, point):
    for number in range(ROUNDS):
        # A picture of its own, so that there is an upload to die in.
        picture = draw_scene(PICTURES[number % 3]) + bytes([number])
        variant = propose(agent, target, image=picture)
        if point.startswith("approve"):
            shown = content_hash(variant.head, variant.target)
            approves = partial(approve_variant, actor=ben, variant_id=variant.pk, shown_hash=shown)
            dies(point, approves)
            if AdVariant.objects.get(pk=variant.pk).status == "proposed":
                assert not Push.objects.filter(variant=variant).exists()
                approve(variant, ben)
            push = Push.objects.get(variant=variant)
        else:
            push = approve(variant, ben)
            die_on_the_way(meta, push, point)
        push = go_on(push)
        ran = point.startswith("pause")
        assert push.state == PushState.DONE or point.startswith("give_up") or ran
        assert (push.problem_code == "was_not_paused") == ran
        assert len(ads_of(meta, push)) == (push.state == PushState.DONE or ran)
    assert {ad["status"] for ad in meta.read("state")["ads"]} <= {"PAUSED"}
    assert violations(ledger_of(meta.read("state"), meta.read("writes")["writes"])) == []


def die_on_the_way(meta, push: Push, point: str) -> None:
    start = point.partition(".")[0]
    if start in ("look_up", "put_off", "pause"):
        meta.control(**LOST)
    if start == "give_up":
        meta.control(**REFUSED)
    if start in ("look_up", "pause"):
        push_variant(push_id=push.pk)
        if start == "pause":  # somebody switches it on before we know of it
            ad = meta.read("state")["ads"][-1]
            meta.control(set_ad_status={"ad_id": ad["id"], "status": "ACTIVE"})
        with later(200):
            dies(point, lambda: push_variant(push_id=push.pk))
    else:
        dies(point, lambda: push_variant(push_id=push.pk))


@pytest.mark.django_db(transaction=True)
def test_death_before_every_statement_of_an_approval_leaves_all_or_nothing(agent, target, ben):
    for _ in range(ROUNDS):
        variant = propose(agent, target)
        lines = AuditEntry.objects.count()
        shown = content_hash(variant.head, variant.target)
        approves = partial(approve_counting, actor=ben, variant_id=variant.pk, shown_hash=shown)
        statements = 0
        while AdVariant.objects.get(pk=variant.pk).status == "proposed":
            assert not Decision.objects.filter(variant=variant).exists()
            assert not Push.objects.filter(variant=variant).exists()
            assert AuditEntry.objects.count() == lines
            statements += 1
            dies(f"statement {statements}", approves)
        assert statements >= 10
        assert Decision.objects.filter(variant=variant, push__state="waiting").count() == 1
        assert AuditEntry.objects.count() == lines + 1
        assert due_pushes().filter(variant=variant).exists()
    assert violations() == []


def approve_counting(**approval: object) -> None:
    """Approve, with a crash point before each statement."""
    count = 0

    def counted(execute, *args):
        nonlocal count
        count += 1
        crash_points.reached(f"statement {count}")
        return execute(*args)

    with connection.execute_wrapper(counted):
        approve_variant(**approval)


def test_every_point_in_the_source_is_died_at():
    source = "".join(
        path.read_text() for path in Path(settings.BASE_DIR, "approvals/services").glob("*.py")
    )
    named = set(re.findall(r'reached\("([a-z_.]+)"\)', source))
    moments = set(re.findall(r'reached\(f"\{[a-z.]+\}\.([a-z]+)"\)', source))
    assert named == {point for point in POINTS if point not in STEPS}
    assert moments == {point.rpartition(".")[2] for point in STEPS}


def test_without_a_handler_nothing_happens_at_a_point():
    assert crash_points.handler is None
    crash_points.reached("ad.before")
