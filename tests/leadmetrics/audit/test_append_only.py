from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.models import F

from approvals.models import Activation, ActivationResult, Comment, Decision, VariantRevision
from leadmetrics.audit import append_only
from leadmetrics.audit.log import record
from leadmetrics.audit.models import AuditEntry
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_decision, make_push, make_push_target, make_variant

TABLES = {
    "approvals_activation": Activation,
    "approvals_activationresult": ActivationResult,
    "approvals_comment": Comment,
    "approvals_decision": Decision,
    "approvals_variantrevision": VariantRevision,
    "audit_auditentry": AuditEntry,
}


@pytest.fixture(params=TABLES)
def table(request: pytest.FixtureRequest, acme: Tenant, ana: Actor) -> str:
    """The name of a guarded table, with a row in each."""
    variant = make_variant(make_push_target(acme))
    push = make_push(make_decision(variant, ana))
    asked = Activation.objects.create(push=push, person_id=ana.user_id, plan={})
    ActivationResult.objects.create(activation=asked, result="stopped")
    Comment.objects.create(
        variant=variant, revision=variant.head, number=1, author_id=ana.user_id, text="So?"
    )
    record(ana, "variant.approved", variant)
    name: str = request.param
    return name


def refused(statement: str) -> bool:
    """Whether the database refuses the statement with our words."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError as exc:
        return "is append-only" in str(exc)
    return False


def test_the_tables_that_ask_for_it_are_guarded() -> None:
    assert append_only.append_only_tables() == sorted(TABLES)


def test_rows_cannot_be_changed_by_any_statement(table: str) -> None:
    assert refused(f"UPDATE {table} SET id = id")
    assert refused(f"DELETE FROM {table}")
    assert TABLES[table]._default_manager.count() == 1


def test_rows_cannot_be_changed_through_the_model(table: str) -> None:
    rows = TABLES[table]._default_manager.all()
    for act in (
        rows.get().save,
        lambda: rows.update(id=F("id")),
        lambda: rows._raw_delete(rows.db),
    ):
        with pytest.raises(DatabaseError, match="is append-only"), transaction.atomic():
            act()


def test_row_cannot_be_replaced_under_its_own_id(table: str) -> None:
    if connection.vendor == "sqlite":
        # Without recursive triggers a REPLACE deletes the row unseen.
        statement = f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"
    else:
        statement = (
            f"INSERT INTO {table} SELECT * FROM {table} "
            "ON CONFLICT (id) DO UPDATE SET id = EXCLUDED.id"
        )
    assert refused(statement)


def test_table_cannot_be_emptied_at_once(table: str) -> None:
    # SQLite has no TRUNCATE; its DELETE without a condition is refused above.
    if connection.vendor == "postgresql":
        connection.check_constraints()  # what is still to be checked would refuse it before us
        assert refused(f"TRUNCATE {table} CASCADE")


def test_removed_triggers_are_missed_and_come_back(table: str) -> None:
    append_only.remove()
    assert len(append_only.missing()) == 2 * len(TABLES)
    assert not refused(f"UPDATE {table} SET id = id")
    append_only.install()
    assert append_only.missing() == []
    assert refused(f"DELETE FROM {table}")


def test_single_missing_trigger_is_named(db: None) -> None:
    gone = next(name for name in append_only._names("audit_auditentry"))
    on = " ON audit_auditentry" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {gone}{on}")
    assert append_only.missing() == [gone]


def test_installing_twice_changes_nothing(db: None) -> None:
    append_only.install()
    append_only.install()
    assert append_only.missing() == []


@pytest.mark.django_db(transaction=True)
def test_migrate_puts_the_triggers_back() -> None:
    append_only.remove()
    call_command("migrate", verbosity=0)
    assert append_only.missing() == []
