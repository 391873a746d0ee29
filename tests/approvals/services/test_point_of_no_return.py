"""An approval counts while its giver may approve, up to the commit before each write."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection

from approvals.states import PushState
from leadmetrics import crash_points
from leadmetrics.tenancy.models import Membership, Role
from tests.approvals.services.test_push import approved, meta, run

__all__ = ["approved", "meta"]
SHORT = {"sqlite": "PRAGMA busy_timeout = 20", "postgresql": "SET lock_timeout = 20"}


@pytest.mark.parametrize("moment", ["claim.committed", "creative.after"])
def test_right_that_is_taken_between_two_writes_stops_the_next_one(
    meta, approved, ben, monkeypatch, moment
):
    def take_it(point: str) -> None:
        if point == moment:
            Membership.objects.filter(user_id=ben.user_id).update(role=Role.VIEWER)

    monkeypatch.setattr(crash_points, "handler", take_it)
    push = run(approved)
    assert (push.state, push.problem_code) == (PushState.FAILED, "approver_left")
    assert push.steps.count() == (moment == "creative.after")


@pytest.mark.django_db(transaction=True)
def test_right_cannot_be_taken_between_the_check_and_the_commit(meta, approved, ben, monkeypatch):
    other = connection.copy()
    refused = []

    def try_to_take_it(point: str) -> None:
        if point.endswith(".intended"):
            with other.cursor() as cursor:
                cursor.execute(SHORT[other.vendor])
                with pytest.raises(OperationalError):
                    cursor.execute(f"DELETE FROM {Membership._meta.db_table}")
            refused.append(point)

    monkeypatch.setattr(crash_points, "handler", try_to_take_it)
    push = run(approved)
    other.close()
    assert refused == ["creative.intended", "ad.intended"]
    assert push.state == PushState.DONE
