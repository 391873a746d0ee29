"""A restored backup sends nothing before it asked Meta what is there, and doubles nothing then."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, connections

from approvals.invariants import violations
from approvals.models import AdVariant, Push, WriteMark
from approvals.services.activate import (
    activate_ad,
    look_before_activation,
    request_activation,
)
from approvals.services.marks import ELSEWHERE, OLDER, why_not_to_write
from approvals.services.pausing import pause_ad, request_pause
from approvals.services.push import push_variant
from approvals.states import PushState, VariantStatus
from tests.approvals.conftest import propose
from tests.approvals.live import let_activate, status_at_meta
from tests.approvals.services.test_crash_points import ROUNDS
from tests.approvals.services.test_push import AD_SET, approve, approved, later, meta, run
from tests.builders import make_ad_set, make_push_target
from tests.ledger import ledger_of
from tests.prepared import postgres

__all__ = ["approved", "meta"]

# 50 and 25 where CRASH_ROUNDS is five, as in `make campaign`.
DONE, FORGOTTEN = 10 * ROUNDS, 5 * ROUNDS


def backup(folder: Path) -> Callable[[], None]:
    """A copy of the whole database, made by the database's own means; the answer brings it back."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "postgresql":
        connections.close_all()
        postgres(f'DROP DATABASE IF EXISTS "{name}_copy"')
        postgres(f'CREATE DATABASE "{name}_copy" TEMPLATE "{name}"')

        def restore() -> None:
            connections.close_all()
            postgres(f'DROP DATABASE "{name}" WITH (FORCE)')
            postgres(f'ALTER DATABASE "{name}_copy" RENAME TO "{name}"')

        return restore
    copy = folder / "backup.sqlite3"
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(copy)])

    def restore() -> None:
        connections.close_all()
        for ending in ("-wal", "-shm"):
            Path(name + ending).unlink(missing_ok=True)
        shutil.copy(copy, name)

    return restore


def ads_at(meta) -> int:
    return len(meta.read("state")["ads"])


def test_two_processes_may_ask_first_at_the_same_time(db, settings, tmp_path):
    """The other one puts both marks between this one's looks at the file and at the row."""
    settings.DATA_DIR = tmp_path
    others: list[str] = []

    def be_overtaken(execute, sql, *args):
        if WriteMark._meta.db_table in sql and not others:
            others.append("")
            others[0] = why_not_to_write()
        return execute(sql, *args)

    with connection.execute_wrapper(be_overtaken):
        assert why_not_to_write() == ""
    assert others == [""]
    assert WriteMark.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_restored_database_sends_nothing_before_and_doubles_nothing_after(
    meta, agent, target, ben, tmp_path
):
    """Some ads are there and some are approved when the backup is made; then these go out, too."""
    second_set = make_ad_set(target.ad_set.campaign, ad_set_id=AD_SET[:-1] + "2")
    other = make_push_target(target.tenant, ad_set=second_set, page=target.page)
    *before, undecided = [
        propose(agent, (target, other)[number % 2]) for number in range(DONE + FORGOTTEN + 1)
    ]
    first = [approve(variant, ben) for variant in before[:DONE]]
    push_all(first)
    second = [approve(variant, ben) for variant in before[DONE:]]
    restore = backup(tmp_path)
    push_all(second)
    push_all([approve(undecided, ben)])
    assert ads_at(meta) == DONE + FORGOTTEN + 1

    restore()
    assert Push.objects.filter(state=PushState.WAITING).count() == FORGOTTEN
    assert why_not_to_write() == OLDER
    for push in Push.objects.all():
        push_variant(push_id=push.pk)
    with pytest.raises(CommandError, match="reconcile"):
        call_command("push_approved")
    assert ads_at(meta) == DONE + FORGOTTEN + 1

    out = StringIO()
    call_command("push_approved", "--reconcile", stdout=out)
    assert f"{FORGOTTEN} looked up, {FORGOTTEN} found again" in out.getvalue()
    call_command("push_approved", stdout=out)
    assert AdVariant.objects.get(pk=undecided.pk).status == VariantStatus.PROPOSED
    run(approve(undecided, ben))  # approved once more, for the database has forgotten it
    assert set(Push.objects.values_list("state", flat=True)) == {PushState.DONE}
    assert ads_at(meta) == DONE + FORGOTTEN + 1
    assert violations(ledger_of(meta.read("state"), [])) == []


def push_all(pushes):
    for push in pushes:
        push_variant(push_id=push.pk)
    states = Push.objects.filter(pk__in=[push.pk for push in pushes]).values_list("state")
    assert {state for (state,) in states} == {PushState.DONE}


@pytest.mark.activates
@pytest.mark.django_db(transaction=True)
def test_restored_activation_switches_nothing_on(meta, agent, target, ben, rita, tmp_path):
    """Between the backup and the restore the ad was switched on, and paused by a person."""
    push = run(approve(propose(agent, target), ben))
    variant, live = look_before_activation(actor=let_activate(rita), variant_id=push.variant_id)
    asked = {"shown_hash": push.payload_hash, "shown_plan": live.plan}
    activation = request_activation(actor=rita, variant_id=variant.pk, **asked)
    restore = backup(tmp_path)
    activate_ad(activation_id=activation.pk)
    request_pause(actor=ben, variant_id=variant.pk)
    pause_ad(push_id=push.pk)
    assert status_at_meta(push) == "PAUSED"
    sent = len(meta.read("writes")["writes"])

    restore()
    assert why_not_to_write() == OLDER
    activate_ad(activation_id=activation.pk)
    assert "ACTIVE" not in statuses_sent(meta, sent)
    call_command("push_approved", "--reconcile", stdout=StringIO())
    activate_ad(activation_id=activation.pk)
    pause_ad(push_id=push.pk)
    assert AdVariant.objects.get(pk=variant.pk).status == VariantStatus.PAUSED
    assert "ACTIVE" not in statuses_sent(meta, sent)
    assert status_at_meta(push) == "PAUSED"


def statuses_sent(meta, since: int) -> list[str]:
    return [w["params"].get("status", "") for w in meta.read("writes")["writes"][since:]]


def test_database_of_another_installation_sends_nothing(meta, approved):
    assert why_not_to_write() == ""
    WriteMark.objects.update(environment="00000000-0000-4000-8000-000000000000")
    assert why_not_to_write() == ELSEWHERE
    assert run(approved).state == PushState.WAITING
    assert meta.read("writes")["writes"] == []
    (Path(settings.DATA_DIR) / "outgoing.json").unlink()
    assert why_not_to_write() == ELSEWHERE
    call_command("push_approved", "--reconcile", stdout=StringIO())
    assert why_not_to_write() == ""
    assert run(approved).state == PushState.DONE


def test_reconcile_that_cannot_ask_meta_changes_nothing(meta, approved):
    assert why_not_to_write() == ""
    with _note_of(10**6):
        meta.control(fail={"path": "ads", "method": "GET", "status": 400, "code": 200, "times": 9})
        with pytest.raises(CommandError, match="1 could not be looked up"):
            call_command("push_approved", "--reconcile", stdout=StringIO())
        assert why_not_to_write() == OLDER


def test_reconcile_ends_the_wait_for_an_ad_that_was_lost_sight_of(meta, approved):
    meta.control(lose_reply={"path": "ads", "times": 1})
    run(approved)
    call_command("push_approved", "--reconcile", stdout=StringIO())
    with later(1):
        push = run(approved)
    assert (push.state, push.steps.filter(kind="ad").count()) == (PushState.DONE, 1)


@contextmanager
def _note_of(sent: int):
    path = Path(settings.DATA_DIR) / "outgoing.json"
    noted = json.loads(path.read_text())
    path.write_text(json.dumps({**noted, "sent": sent}))
    yield
