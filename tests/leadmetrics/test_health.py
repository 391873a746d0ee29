from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from leadmetrics.audit import append_only


def ready(client: Client) -> tuple[int, object]:
    response = client.get("/readyz")
    return response.status_code, response.json()


def test_healthz_answers_without_the_database(
    client: Client, db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert response.headers["Content-Type"] == "text/plain"


def test_readyz_says_when_all_is_well(client: Client, db: None) -> None:
    assert ready(client) == (200, {"ready": True, "problem": ""})


def test_readyz_asks_the_database_little(
    client: Client, db: None, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ready(client)
    with django_assert_max_num_queries(3):
        ready(client)


def test_readyz_notices_a_migration_that_was_not_applied(client: Client, db: None) -> None:
    MigrationRecorder(connection).record_unapplied("audit", "0001_initial")
    assert ready(client) == (503, {"ready": False, "problem": "The database is not migrated."})


def test_readyz_notices_missing_triggers(client: Client, db: None) -> None:
    append_only.remove()
    problem = "The append-only triggers are missing."
    assert ready(client) == (503, {"ready": False, "problem": problem})


def test_readyz_notices_a_database_that_does_not_answer(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The table of migrations in a place where nothing is: the database refuses the question.
    monkeypatch.setattr(MigrationRecorder.Migration._meta, "db_table", "no such table, quoted")
    monkeypatch.setattr(MigrationRecorder, "has_table", lambda _: True)
    problem = "The database does not answer."
    assert ready(client) == (503, {"ready": False, "problem": problem})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_may_only_look(client: Client, db: None, path: str) -> None:
    assert client.head(path).status_code == 200
    for method in ("POST", "PUT", "DELETE"):
        assert client.generic(method, path).status_code == 405
