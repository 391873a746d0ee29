from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection

from leadmetrics.audit import append_only
from leadmetrics.checks import database_guards_hold, queue_settings_hold


def ids(messages: list[Any]) -> list[str | None]:
    return [message.id for message in messages]


def test_our_own_settings_pass(db: None) -> None:
    assert queue_settings_hold() == []
    assert database_guards_hold(["default"]) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"retry": 180},  # 60 s x (1 + ceil((2 + 1) / 2)) = 180, and it must be more
        {"timeout": 80},
        {"queue_limit": 50},
        {"bulk": 10},
        {"workers": 1},
        {"orm": "other"},
        {"orm": None},
    ],
    ids=str,
)
def test_queue_settings_with_which_jobs_run_twice_are_refused(
    settings: Any, changes: dict[str, Any]
) -> None:
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, **changes}
    assert ids(queue_settings_hold()) == ["leadmetrics.E001"]


def test_retry_just_above_the_bound_is_accepted(settings: Any) -> None:
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "retry": 181}
    assert queue_settings_hold() == []


def test_missing_triggers_are_named(db: None) -> None:
    append_only.remove()
    (error,) = database_guards_hold(["default"])
    assert error.id == "leadmetrics.E002"
    assert "audit_auditentry" in error.msg
    assert "migrate" in (error.hint or "")


def test_database_is_left_alone_unless_it_is_to_be_checked(db: None) -> None:
    append_only.remove()
    assert database_guards_hold(None) == []


def test_check_command_fails_for_missing_triggers(db: None) -> None:
    append_only.remove()
    with pytest.raises(SystemCheckError, match=r"leadmetrics\.E002"):
        call_command("check", databases=["default"])


def test_sqlite_without_immediate_transactions_is_refused(
    settings: Any, monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    options = {"transaction_mode": "DEFERRED"}
    monkeypatch.setitem(settings.DATABASES["default"], "OPTIONS", options)
    refused = ["leadmetrics.E003"] if connection.vendor == "sqlite" else []
    assert ids(database_guards_hold(["default"])) == refused
