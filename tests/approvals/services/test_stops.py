"""The stop switch: nothing new goes out, here or everywhere, from the commit on."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from approvals.models import AdVariant, Push, WriteStop
from approvals.selectors.sending import due_pushes
from approvals.services import push_steps
from approvals.services.push import push_variant, sweep_pushes
from approvals.services.side_by_side import SIDE_BY_SIDE
from approvals.services.stops import (
    resume_all_writes,
    resume_writes,
    stop_all_writes,
    stop_writes,
)
from approvals.states import PushState
from leadmetrics.audit.models import AuditEntry
from leadmetrics.errors import InvalidInput, NotAllowed
from leadmetrics.tenancy.models import Role, Tenant
from tests.approvals.conftest import make_member_of, propose
from tests.approvals.services.test_push import ads_of, approve, approved, later, meta, run

__all__ = ["approved", "meta"]


@pytest.fixture
def ana(acme):
    return make_member_of(acme, "Ana", Role.ADMIN)


def test_stopped_workspace_sends_nothing_and_goes_on_when_resumed(meta, approved, ana):
    stop_writes(actor=ana, reason="Wrong price on the site")
    push = run(approved)
    assert push.state == PushState.WAITING
    assert sweep_pushes() == 0
    assert meta.read("writes")["writes"] == []
    resume_writes(actor=ana)
    assert run(push).state == PushState.DONE
    actions = AuditEntry.objects.filter(action__startswith="writes.").values_list("action")
    assert [action for (action,) in actions.order_by("seq")] == ["writes.stopped", "writes.resumed"]


def test_stop_everywhere_counts_in_each_workspace_and_stands_in_its_log(meta, approved):
    other = Tenant.objects.create(slug="other", name="Other")
    stop_all_writes(person="Sam", reason="Meta has an incident")
    assert run(approved).state == PushState.WAITING
    stopped = AuditEntry.objects.filter(action="writes.stopped")
    assert {entry.tenant_id for entry in stopped} == {approved.variant.tenant_id, other.pk}
    resume_all_writes(person="Sam")
    assert run(approved).state == PushState.DONE


def test_stop_of_another_workspace_does_not_count(meta, approved):
    WriteStop.objects.create(
        tenant=Tenant.objects.create(slug="other", name="Other"), reason="x", stopped_by="Olga"
    )
    assert run(approved).state == PushState.DONE


def test_stop_between_two_steps_stops_the_next_write(meta, approved, ana, monkeypatch):
    original = push_steps.ad_step

    def stopped_now(claim, creative_id):
        stop_writes(actor=ana, reason="Stop!")
        return (yield from original(claim, creative_id))

    monkeypatch.setattr("approvals.services.push.ad_step", stopped_now)
    push = run(approved)
    assert (push.state, push.problem_code) == (PushState.WAITING, "writes_stopped")
    assert ads_of(meta, push) == []
    monkeypatch.undo()
    resume_writes(actor=ana)
    assert run(push).state == PushState.DONE


def test_ad_that_may_exist_is_looked_up_even_while_stopped(meta, approved, ana):
    meta.control(lose_reply={"path": "ads", "times": 1})
    run(approved)
    stop_writes(actor=ana, reason="Stop!")
    with later(200):
        assert due_pushes().count() == 1
        push = run(approved)
    assert push.state == PushState.DONE
    assert len(ads_of(meta, push)) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("where", ["here", "everywhere"])
def test_worker_in_the_middle_of_many_pushes_begins_no_further_write(
    meta, agent, target, ben, ana, where
):
    """Only the calls that are on the wire at the moment of the commit still end."""
    pushes = [approve(propose(agent, target), ben) for _ in range(12)]
    meta.control(latency_ms=100)
    written = []

    def stop_in_the_middle():
        while len(written) < 4:
            written[:] = meta.read("writes")["writes"]
        if where == "here":
            stop_writes(actor=ana, reason="Stop!")
        else:
            stop_all_writes(person="Sam", reason="Stop!")
        written[:] = meta.read("writes")["writes"]
        connection.close()

    somebody = threading.Thread(target=stop_in_the_middle)
    somebody.start()
    push_variant(push_id=pushes[0].pk)
    somebody.join()
    assert len(meta.read("writes")["writes"]) - len(written) <= SIDE_BY_SIDE
    assert len(written) < 2 * len(pushes)
    open_ones = Push.objects.exclude(state=PushState.DONE)
    assert open_ones.exists()
    assert {push.state for push in open_ones} == {PushState.WAITING}
    assert sweep_pushes() == 0
    resume_writes(actor=ana)
    resume_all_writes(person="Sam")
    meta.control(latency_ms=0)
    for push in pushes:
        assert run(push).state == PushState.DONE
        assert len(ads_of(meta, push)) == 1


def test_only_admins_stop_and_never_without_a_reason(approved, ben, ana):
    with pytest.raises(NotAllowed):
        stop_writes(actor=ben, reason="Because")
    with pytest.raises(InvalidInput):
        stop_writes(actor=ana, reason="  ")
    stop_writes(actor=ana, reason="Because")
    stop_writes(actor=ana, reason="Twice")
    assert WriteStop.objects.get().reason == "Because"
    assert Push.objects.count() == AdVariant.objects.count() == 1


def test_stopped_workspace_does_not_keep_others_from_the_sweep(meta, agent, target, ben, ana):
    for _ in range(25):
        approve(propose(agent, target), ben)
    stop_writes(actor=ana, reason="Stop!")
    assert sweep_pushes() == 0
    resume_writes(actor=ana)
    assert sweep_pushes() == 20
