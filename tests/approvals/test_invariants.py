"""The checker finds nothing in a history that went well, and each thing made wrong in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F

from approvals.invariants import Ledger, violations
from approvals.models import AdVariant, Decision, Push, PushStep, WriteStop
from approvals.services.push import push_variant
from leadmetrics.audit import append_only
from leadmetrics.audit.log import record
from leadmetrics.audit.models import AuditEntry
from leadmetrics.tenancy.actors import system
from leadmetrics.tenancy.models import Membership, Tenant
from tests.approvals.conftest import make_target_for, propose
from tests.approvals.services.test_push import ACCOUNT, approve, meta
from tests.ledger import ledger_of

__all__ = ["meta"]


@pytest.fixture
def pushed(meta, agent, target, ben) -> Push:
    push = approve(propose(agent, target), ben)
    push_variant(push_id=push.pk)
    return Push.objects.get()


def ledger(meta) -> Ledger:
    return ledger_of(meta.read("state"), meta.read("writes")["writes"])


def test_history_that_went_well_violates_nothing(meta, pushed, agent, target):
    propose(agent, target)
    assert violations(ledger(meta)) == []


def reach_an_older_revision(push: Push) -> None:
    head = push.variant.head
    head.pk, head.number = None, 2
    head.save()
    AdVariant.objects.update(head=head)


WRONG: dict[str, tuple[str, Callable[[Push], object]]] = {
    "hash": ("I3", lambda p: Push.objects.update(payload={**p.payload, "headline": "Swapped"})),
    "approved hash": ("I3", lambda _: Push.objects.update(payload_hash="0" * 64)),
    "author": ("I2", lambda _: loosened(Decision.objects.update, reviewer_was_author=True)),
    "older text": ("I4", reach_an_older_revision),
    "status": ("I8", lambda _: AdVariant.objects.update(status="approved")),
    "no push": ("I8", lambda _: Push.objects.update(state="voided")),
    "sent twice": ("I9", lambda p: ad_step(p, state="sent")),
    "sent too often": ("I9", lambda p: [ad_step(p, state="absent") for _ in range(3)]),
    "two ads": ("I5", lambda p: ad_step(p, state="done", object_id="77")),
    "absent at once": ("I9", lambda p: ad_step(p, state="absent", empty_lookups=2)),
    "not paused": ("I6", lambda _: Push.objects.update(read_back={"configured_status": "ACTIVE"})),
    "paused, nobody told": (
        "I6",
        lambda p: p.steps.create(kind="pause", fence=1, sent_at=datetime.now(UTC)),
    ),
    "on without an act": ("I7", lambda _: AdVariant.objects.update(status="active")),
    "no lease": ("I8", lambda _: Push.objects.update(state="running", lease_until=None)),
    "audit altered": ("I10", lambda _: loosened(AuditEntry.objects.update, actor_label="Nobody")),
    "audit lost": ("I10", lambda _: loosened(AuditEntry.objects.order_by("-seq")[:1].get().delete)),
    "tenant": (
        "I11",
        lambda _: AdVariant.objects.update(
            target=make_target_for(Tenant.objects.create(slug="other", name="Other"))
        ),
    ),
    "sent while stopped": (
        "I17",
        lambda _: (
            WriteStop.objects.create(tenant=None, reason="no", stopped_by="Sam"),
            WriteStop.objects.update(stopped_at=F("stopped_at") - timedelta(minutes=5)),
        ),
    ),
    "rejected and sent": ("I15", lambda _: AdVariant.objects.update(status="rejected")),
    "approver had left": ("I16", lambda p: gone_since(p, minutes=5)),
    "guard": ("I1", lambda _: append_only.remove()),
}


def gone_since(push: Push, minutes: int) -> None:
    """The approver's removal, as the log has it, and then every write of the push."""
    tenant, user = push.variant.tenant, push.decision.reviewer
    membership = Membership.objects.get(user=user)
    with transaction.atomic():
        about = {"name": user.name, "email": user.email, "role": membership.role}
        record(system(tenant.pk), "member.removed", membership, about)
    membership.delete()
    PushStep.objects.update(sent_at=datetime.now(UTC) + timedelta(minutes=minutes))


def ad_step(push: Push, **fields: object) -> None:
    now = datetime.now(UTC)
    values = {"fence": 1, "sent_at": now, "looked_up_at": now, **fields}
    PushStep.objects.create(push=push, kind="ad", **values)
    last = PushStep.objects.filter(kind="ad").earliest("pk")  # and the true one came last
    PushStep.objects.filter(pk=last.pk).delete()
    last.pk = None
    last.save()


def loosened(change: Callable[..., object], **fields: object) -> None:
    append_only.remove()
    try:
        change(**fields)
    finally:
        append_only.install()


@pytest.mark.parametrize("what", WRONG)
def test_checker_finds_what_was_made_wrong(meta, pushed, what):
    rule, spoil = WRONG[what]
    spoil(pushed)
    found = violations()
    assert any(rule in each.split(":")[0] for each in found), found
    if what == "guard":
        append_only.install()
    assert connection.is_usable()


def test_approver_who_leaves_after_the_sending_is_no_violation(meta, pushed):
    gone_since(pushed, minutes=-5)
    assert not [each for each in violations() if each.startswith("I16")]


def test_pause_of_an_ad_that_ran_unasked_needs_no_leave_but_an_intent(meta, pushed):
    gone_since(pushed, minutes=-5)
    WriteStop.objects.create(tenant=None, reason="no", stopped_by="Sam")
    paused = {"path": pushed.ad_id, "params": {"status": "PAUSED"}, "answer": {}}
    asked = Ledger(ads=meta.read("state")["ads"], writes=[paused])
    assert violations(asked) == [f"I9 {pushed.ad_id}: paused without an intent"]
    late = datetime.now(UTC) + timedelta(minutes=5)
    pushed.steps.create(kind="pause", fence=1, state="done", sent_at=late, finished_at=late)
    assert violations(asked) == []


def test_checker_finds_what_is_wrong_at_meta(meta, pushed):
    state, writes = meta.read("state"), meta.read("writes")["writes"]
    twice = {**state["ads"][0], "id": "77", "status": "ACTIVE"}
    stray = {**state["ads"][0], "id": "78", "name": "x · lm-unknown"}
    asked = {"path": f"{ACCOUNT}/ads", "params": {}, "answer": {}}
    found = violations(ledger_of({**state, "ads": [*state["ads"], twice, stray]}, [*writes, asked]))
    assert [each.split(" ")[0] for each in sorted(found)] == ["I5", "I6", "I8"]
    assert [each[:2] for each in violations(Ledger())] == ["I8"]
    state["creatives"][0]["object_story_spec"]["link_data"]["message"] = "Other words"
    assert [each[:2] for each in violations(ledger_of(state, writes))] == ["I3"]


def test_doctor_tells_what_the_checker_finds(meta, pushed):
    call_command("doctor", "--invariants", stdout=StringIO())
    Push.objects.update(read_back=None)
    out = StringIO()
    with pytest.raises(CommandError, match="1 finding"):
        call_command("doctor", "--invariants", stdout=out)
    assert out.getvalue().startswith("I6 ")
