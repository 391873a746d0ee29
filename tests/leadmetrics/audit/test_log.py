from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction

from leadmetrics.audit import append_only
from leadmetrics.audit.log import Broken, record, verify
from leadmetrics.audit.models import AuditEntry
from leadmetrics.tenancy.actors import Actor, ActorKind, system
from leadmetrics.tenancy.models import Membership, Tenant
from tests.builders import make_member, make_tenant


def write(actor: Actor, tenant: Tenant, count: int = 1) -> list[AuditEntry]:
    with transaction.atomic():
        return [record(actor, "policy.changed", tenant, {"number": n}) for n in range(count)]


@contextmanager
def unguarded() -> Iterator[None]:
    """What a person with the database's password could do."""
    append_only.remove()
    yield
    append_only.install()


def test_entry_says_who_did_what_to_which(acme: Tenant, ana: Actor) -> None:
    (entry,) = write(ana, acme)
    entry.refresh_from_db()
    assert (entry.tenant_id, entry.seq, entry.action) == (acme.pk, 1, "policy.changed")
    assert (entry.actor_kind, entry.actor_label, entry.user_id) == ("human", "Ana", ana.user_id)
    assert (entry.object_type, entry.object_id) == ("tenant", str(acme.pk))
    assert datetime.now(UTC) - entry.at < timedelta(minutes=1)


@pytest.mark.parametrize("kind", list(ActorKind))
def test_every_kind_of_actor_is_kept(acme: Tenant, kind: ActorKind) -> None:
    actor = Actor(kind, "Somebody", acme.pk, key_id=5 if kind == ActorKind.AGENT else None)
    (entry,) = write(actor, acme)
    entry.refresh_from_db()
    assert (entry.actor_kind, entry.key_id, entry.user_id) == (kind, actor.key_id, None)


def test_data_of_every_usual_kind_is_kept_and_verifies(acme: Tenant, ana: Actor) -> None:
    data: dict[str, Any] = {
        "money": Decimal("1234.50"),
        "day": date(2026, 11, 24),
        "moment": datetime(2026, 11, 24, 9, 30, 15, 123456, tzinfo=UTC),
        "id": UUID(int=7),
        "text": "Ünïcode “quotes” 日本 🎒",
        "none": None,
        "nested": {"list": [1, True, 0.1]},
    }
    with transaction.atomic():
        record(ana, "policy.changed", acme, data)
    stored = AuditEntry.objects.get().data
    assert (stored["money"], stored["day"], stored["none"]) == ("1234.50", "2026-11-24", None)
    assert (stored["text"], stored["nested"]) == (data["text"], data["nested"])
    assert verify(acme.pk) == (1, None)


def test_entry_without_data_is_fine(acme: Tenant, ana: Actor) -> None:
    with transaction.atomic():
        record(ana, "policy.changed", acme)
    assert AuditEntry.objects.get().data == {}
    assert verify(acme.pk) == (1, None)


@pytest.mark.django_db(transaction=True)
def test_entry_outside_a_transaction_is_refused() -> None:
    tenant = make_tenant()
    with pytest.raises(transaction.TransactionManagementError):
        record(system(tenant.pk), "policy.changed", tenant)
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_change_that_rolls_back_takes_its_entry_along() -> None:
    tenant = make_tenant()
    write(system(tenant.pk), tenant)
    with transaction.atomic():
        record(system(tenant.pk), "policy.changed", tenant)
        transaction.set_rollback(True)
    write(system(tenant.pk), tenant)
    assert list(AuditEntry.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2]
    assert verify(tenant.pk) == (2, None)


def test_each_tenant_has_a_chain_of_its_own(acme: Tenant, harbour: Tenant) -> None:
    for tenant in (acme, harbour, acme):
        write(system(tenant.pk), tenant)
    assert [(e.tenant_id, e.seq) for e in AuditEntry.objects.order_by("pk")] == [
        (acme.pk, 1),
        (harbour.pk, 1),
        (acme.pk, 2),
    ]
    assert (verify(acme.pk), verify(harbour.pk)) == ((2, None), (1, None))


def test_tenant_without_entries_verifies(acme: Tenant) -> None:
    assert verify(acme.pk) == (0, None)


def test_chain_longer_than_a_chunk_verifies(acme: Tenant, ana: Actor) -> None:
    write(ana, acme, count=1001)
    assert verify(acme.pk) == (1001, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("actor_label", "Somebody else"),
        ("actor_kind", "system"),
        ("user_id", None),
        ("key_id", 9),
        ("action", "policy.kept"),
        ("object_id", "999"),
        ("object_type", "membership"),
        ("data", {"number": 2}),
        ("at", datetime(2020, 1, 1, tzinfo=UTC)),
        ("hash", "0" * 64),
        ("prev_hash", "0" * 64),
    ],
)
def test_any_altered_field_is_noticed(acme: Tenant, ana: Actor, field: str, value: object) -> None:
    write(ana, acme, count=3)
    with unguarded():
        AuditEntry.objects.filter(seq=2).update(**{field: value})
    assert verify(acme.pk) == (2, Broken(2, "an entry was altered"))


def test_removed_entry_is_noticed(acme: Tenant, ana: Actor) -> None:
    write(ana, acme, count=3)
    with unguarded():
        AuditEntry.objects.filter(seq=2).delete()
    assert verify(acme.pk) == (2, Broken(2, "an entry is missing"))


def test_swapped_entries_are_noticed(acme: Tenant, ana: Actor) -> None:
    write(ana, acme, count=3)
    with unguarded():
        for was, becomes in ((2, 99), (3, 2), (99, 3)):
            AuditEntry.objects.filter(seq=was).update(seq=becomes)
    assert verify(acme.pk)[1] == Broken(2, "an entry was altered")


def test_entry_moved_to_another_tenant_is_noticed_in_both(acme: Tenant, harbour: Tenant) -> None:
    for tenant in (acme, harbour):
        write(system(tenant.pk), tenant, count=2)
    with unguarded():
        AuditEntry.objects.filter(tenant_id=harbour.pk, seq=2).update(tenant_id=acme.pk, seq=3)
    assert verify(acme.pk)[1] == Broken(3, "an entry was altered")


def test_log_survives_what_it_tells_of(acme: Tenant, ana: Actor) -> None:
    gone = make_member(acme, "Gone")
    membership = Membership.objects.get(user__name=gone.label)
    with transaction.atomic():
        record(ana, "member.removed", membership)
        membership.delete()
    assert AuditEntry.objects.get().object_type == "membership"
    assert verify(acme.pk) == (1, None)


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_make_one_chain() -> None:
    tenant = make_tenant()
    gate, failures = threading.Barrier(4), []

    def work() -> None:
        gate.wait()
        try:
            for _ in range(5):
                write(system(tenant.pk), tenant)
        except Exception as exc:
            failures.append(exc)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert verify(tenant.pk) == (20, None)


# --- manage.py verify_audit ---------------------------------------------------------------------


def test_command_says_how_each_tenant_stands(
    acme: Tenant, harbour: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    write(system(acme.pk), acme, count=2)
    call_command("verify_audit")
    assert capsys.readouterr().out == "acme: 2 entries, whole\nharbour: 0 entries, whole\n"


def test_command_fails_for_a_broken_chain_and_says_where(
    acme: Tenant, harbour: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    write(system(acme.pk), acme, count=2)
    with unguarded():
        AuditEntry.objects.filter(seq=1).update(action="other")
    with pytest.raises(CommandError):
        call_command("verify_audit", tenant="acme")
    assert "acme: 1 entries, broken at 1: an entry was altered" in capsys.readouterr().out
    call_command("verify_audit", tenant="harbour")
