"""Noticing that the database was restored, or belongs elsewhere, before anything is sent from it.

A restored backup does not know of the ads that were created or switched on after it was made. So
the newest write is also noted in a file outside the database, before it is sent; a database that
knows less than the file, or that was made in another installation, sends nothing until
`push_approved --reconcile` has asked Meta what is there. Disconnected grants are withdrawn only
then, too. Tokens are extended all the same: that ends no other token of the person, touches no ad,
and waiting could cost a grant its last days.
"""

from __future__ import annotations

import fcntl
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from approvals.models import PushStep, WriteMark

OLDER = (
    "This database is older than what was last sent to Meta from here, so it was restored from a "
    "backup."
)
ELSEWHERE = "This database comes from another installation."


def why_not_to_write() -> str:
    """Why this database must not write to Meta yet; empty when it may.

    The very first call, in a new installation, puts both marks.
    """
    noted = _read()  # before the database: a write is committed there first and noted here then
    mark = WriteMark.objects.first()
    newest = _newest_step()
    if noted and _knows_less(mark, newest, noted) and (mark is None or _is_of(mark, noted)):
        return OLDER
    if mark is None:
        with _file() as stored:
            stored.setdefault("environment", str(uuid.uuid4()))
            stored.setdefault("sent", newest)
            environment = stored["environment"]
        WriteMark.objects.get_or_create(pk=1, defaults={"environment": environment})
        return ""
    if noted is None and _read() is not None:
        return why_not_to_write()  # another process put both marks between the two looks
    return "" if noted and _is_of(mark, noted) else ELSEWHERE


def _knows_less(mark: WriteMark | None, newest: int, noted: dict[str, Any]) -> bool:
    """Whether something was sent that this database does not know of."""
    activated = mark.activated_at.timestamp() if mark and mark.activated_at else 0.0
    return bool(noted["sent"] > newest or noted.get("activated", 0.0) > activated)


def _is_of(mark: WriteMark, noted: dict[str, Any]) -> bool:
    return bool(noted["environment"] == str(mark.environment))


def note_write(step: PushStep) -> None:
    """Remember outside the database that this write, already committed there, goes out now."""
    with _file() as stored:
        stored["sent"] = max(stored.get("sent", 0), step.pk)


def note_activation(at: datetime) -> None:
    """The same for an ad that is asked to run now; the mark in the database holds this time."""
    with _file() as stored:
        stored["activated"] = max(stored.get("activated", 0.0), at.timestamp())


def accept_database() -> None:
    """From now on this database is the one of this installation, as it is."""
    with _file() as stored:
        stored.setdefault("environment", str(uuid.uuid4()))
        stored["sent"] = _newest_step()
        stored.pop("activated", None)
        environment = stored["environment"]
    WriteMark.objects.update_or_create(
        pk=1, defaults={"environment": environment, "reconciled_at": timezone.now()}
    )


def _newest_step() -> int:
    return int(PushStep.objects.aggregate(newest=Max("pk"))["newest"] or 0)


def _path() -> Path:
    return Path(settings.DATA_DIR) / "outgoing.json"


def _read() -> dict[str, Any] | None:
    try:
        stored: dict[str, Any] = json.loads(_path().read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return stored if {"environment", "sent"} <= stored.keys() else None


@contextmanager
def _file() -> Iterator[dict[str, Any]]:
    """The file's content, to be changed; one process at a time, replaced in one step."""
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stored = _read() or {}
        before = dict(stored)
        yield stored
        if stored != before:
            fresh = path.with_suffix(".new")
            fresh.write_text(json.dumps(stored), encoding="utf-8")
            fresh.replace(path)
