"""The single-use state of a login: bound to session, tenant and person, good for ten minutes."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from leadmetrics.errors import LeadmetricsError

LIFETIME = 600  # seconds
MOST_PENDING = 5
# The keys are the purpose: a state made for anything else would live under another one.
_PENDING, _FINISHED = "meta_login", "meta_login_finished"


class StateRefused(LeadmetricsError):
    """The answer does not belong to a login that this person started here just now."""

    code = "state_refused"
    user_message = (
        "This sign-in at Facebook was not started here, was used already, or took longer than ten "
        "minutes. Nothing was stored; start again from Connections."
    )


class StateFinished(StateRefused):
    """The same answer once more, after it was dealt with: a second click, or a reload."""

    code = "state_finished"

    def __init__(self, pending: Pending) -> None:
        self.pending = pending
        super().__init__()


@dataclass(frozen=True, slots=True)
class Pending:
    """What a state was made for; ``grant`` is the one to be renewed, empty for a new one."""

    tenant_slug: str
    user_id: int
    grant: str = ""


def stash(request: HttpRequest, *, tenant_slug: str, user_id: int, grant: str = "") -> str:
    """A new random state, remembered in this session only."""
    state = secrets.token_urlsafe(32)
    _remember(request, _PENDING, state, Pending(tenant_slug, user_id, grant))
    return state


def pop(request: HttpRequest, state: str, *, user_id: int | None) -> Pending:
    """What ``state`` was made for; it cannot be used again.

    Raises StateFinished after ``finish``, and StateRefused for any other state.
    """
    alive = _alive(request, _PENDING)
    found = alive.pop(state, None)
    request.session[_PENDING] = alive
    if found is not None and found[1] == user_id:
        return _pending(found)
    done = _alive(request, _FINISHED).get(state)
    if done is not None and done[1] == user_id:
        raise StateFinished(_pending(done))
    raise StateRefused


def finish(request: HttpRequest, state: str, pending: Pending) -> None:
    """Remember that this state led to a stored grant, so that its repetition is no failure."""
    _remember(request, _FINISHED, state, pending)


def _remember(request: HttpRequest, key: str, state: str, pending: Pending) -> None:
    made = {**_alive(request, key), state: _entry(pending)}
    request.session[key] = dict(list(made.items())[-MOST_PENDING:])


def _entry(pending: Pending) -> list[Any]:
    return [pending.tenant_slug, pending.user_id, time.time(), pending.grant]


def _pending(entry: list[Any]) -> Pending:
    tenant_slug, user_id, _made_at, *grant = entry
    return Pending(tenant_slug, user_id, *grant)


def _alive(request: HttpRequest, key: str) -> dict[str, list[Any]]:
    made: dict[str, list[Any]] = request.session.get(key, {})
    oldest = time.time() - LIFETIME
    return {state: entry for state, entry in made.items() if entry[2] > oldest}
