"""The state of a login: one use, one session, one person, ten minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import RequestFactory

from integrations.oauth_state import MOST_PENDING as MOST
from integrations.oauth_state import (
    Pending,
    StateFinished,
    StateRefused,
    finish,
    pop,
    stash,
)


@pytest.fixture
def request_of_ana(rf: RequestFactory) -> object:
    request = rf.get("/")
    request.session = {}
    return request


def test_state_gives_back_what_it_was_made_for(request_of_ana: object) -> None:
    state = stash(request_of_ana, tenant_slug="acme", user_id=7)
    assert pop(request_of_ana, state, user_id=7) == Pending("acme", 7)


def test_state_works_once(request_of_ana: object) -> None:
    state = stash(request_of_ana, tenant_slug="acme", user_id=7)
    pop(request_of_ana, state, user_id=7)
    with pytest.raises(StateRefused):
        pop(request_of_ana, state, user_id=7)


@pytest.mark.parametrize("user_id", [8, None])
def test_state_belongs_to_a_person(request_of_ana: object, user_id: int | None) -> None:
    state = stash(request_of_ana, tenant_slug="acme", user_id=7)
    with pytest.raises(StateRefused):
        pop(request_of_ana, state, user_id=user_id)
    with pytest.raises(StateRefused):
        pop(request_of_ana, state, user_id=7)


def test_state_lasts_ten_minutes(request_of_ana: object) -> None:
    now = datetime.now(UTC)
    with time_machine.travel(now, tick=False):
        kept = stash(request_of_ana, tenant_slug="acme", user_id=7)
        late = stash(request_of_ana, tenant_slug="acme", user_id=7)
    with time_machine.travel(now + timedelta(seconds=599), tick=False):
        assert pop(request_of_ana, kept, user_id=7)
    with (
        time_machine.travel(now + timedelta(seconds=600), tick=False),
        pytest.raises(StateRefused),
    ):
        pop(request_of_ana, late, user_id=7)


def test_few_states_are_pending_at_once(request_of_ana: object) -> None:
    states = [stash(request_of_ana, tenant_slug="acme", user_id=7) for _ in range(MOST + 3)]
    alive = []
    for state in states:
        try:
            pop(request_of_ana, state, user_id=7)
        except StateRefused:
            continue
        alive.append(state)
    assert alive == states[3:]


def test_finished_state_is_known_to_its_person_only(request_of_ana: object) -> None:
    state = stash(request_of_ana, tenant_slug="acme", user_id=7)
    finish(request_of_ana, state, pop(request_of_ana, state, user_id=7))
    with pytest.raises(StateFinished) as caught:
        pop(request_of_ana, state, user_id=7)
    assert caught.value.pending == Pending("acme", 7)
    with pytest.raises(StateRefused) as refused:
        pop(request_of_ana, state, user_id=8)
    assert not isinstance(refused.value, StateFinished)
