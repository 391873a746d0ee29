"""Triggers that refuse UPDATE, DELETE and TRUNCATE on append-only tables, on both databases.

A model asks for them with ``append_only = True``. They are put back after every migrate, because
SQLite rebuilds a table to alter it and drops its triggers without a word.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connection

_PREFIX = "append_only_"


def append_only_tables() -> list[str]:
    """The tables of every model that asks to be append-only."""
    return sorted(
        model._meta.db_table for model in apps.get_models() if getattr(model, "append_only", False)
    )


def install(**_signal: Any) -> None:
    """Create the missing triggers; runs after every migrate and flush."""
    existing = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for table in append_only_tables():
            if table in existing:
                for statement in _create(table):
                    cursor.execute(statement)


def remove() -> None:
    """Drop them. Only for emptying a demo or a test database; ``install`` brings them back."""
    with connection.cursor() as cursor:
        for table in append_only_tables():
            for name in _names(table):
                on = f" ON {table}" if connection.vendor == "postgresql" else ""
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")


def missing() -> list[str]:
    """The triggers that should exist and do not."""
    query = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        found = {row[0] for row in cursor.fetchall()}
    return [name for table in append_only_tables() for name in _names(table) if name not in found]


def _names(table: str) -> list[str]:
    events = ["change", "truncate"] if connection.vendor == "postgresql" else ["update", "delete"]
    return [f"{_PREFIX}{event}_{table}" for event in events]


def _create(table: str) -> list[str]:
    first, second = _names(table)
    if connection.vendor == "postgresql":
        return [
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$",
            f"CREATE OR REPLACE TRIGGER {first} BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
            f"CREATE OR REPLACE TRIGGER {second} BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
        ]
    return [
        f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {event} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for name, event in ((first, "UPDATE"), (second, "DELETE"))
    ]
