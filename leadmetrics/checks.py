"""What must hold before the product starts: the queue's figures, the database's guards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connection

from integrations.api_versions import version_problem
from leadmetrics.audit import append_only


@register(Tags.compatibility)
def queue_settings_hold(**_: Any) -> list[CheckMessage]:
    """A job must end before its lease does, or it runs twice."""
    q: dict[str, Any] = settings.Q_CLUSTER
    rounds = 1 + math.ceil((q["queue_limit"] + q["bulk"]) / q["workers"])
    if q.get("orm") != "default" or q["retry"] <= q["timeout"] * rounds:
        return [
            Error(
                "Q_CLUSTER must use the database broker and keep retry > timeout × "
                f"{rounds}; else jobs get lost or run twice.",
                id="leadmetrics.E001",
            )
        ]
    return []


@register(Tags.database)
def database_guards_hold(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """The append-only triggers exist, and SQLite runs in the modes that keep writes whole."""
    if not databases:
        return []
    tables = set(connection.introspection.table_names())
    absent = append_only.missing() if tables.issuperset(append_only.append_only_tables()) else []
    found: list[CheckMessage] = []
    if absent:
        found.append(
            Error(
                f"The append-only triggers {', '.join(absent)} are missing.",
                hint="Run manage.py migrate; it puts them back.",
                id="leadmetrics.E002",
            )
        )
    options = settings.DATABASES["default"].get("OPTIONS", {})
    if connection.vendor == "sqlite" and options.get("transaction_mode") != "IMMEDIATE":
        found.append(Error("SQLite must use IMMEDIATE transactions.", id="leadmetrics.E003"))
    return found


@register(Tags.compatibility)
def api_version_lives(**_: Any) -> list[CheckMessage]:
    """The version of Meta's API that is set still answers."""
    problem = version_problem()
    if problem is None or not problem.has_ended:
        return []
    return [Warning(problem.text, hint=problem.next_step, id="leadmetrics.W001")]
