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
_SESSION_KEY = "meta_login"


class StateRefused(LeadmetricsError):
    """The answer does not belong to a login that this person started here just now."""

    code = "state_refused"
    user_message = (
        "This sign-in at Facebook was not started here, was used already, or took longer than ten "
        "minutes. Nothing was stored; start again from Connections."
    )


@dataclass(frozen=True, slots=True)
class Pending:
    """What a state was made for."""

    tenant_slug: str
    user_id: int


def stash(request: HttpRequest, *, tenant_slug: str, user_id: int) -> str:
    """A new random state, remembered in this session only."""
    state = secrets.token_urlsafe(32)
    pending = {**_alive(request), state: [tenant_slug, user_id, time.time()]}
    request.session[_SESSION_KEY] = dict(list(pending.items())[-MOST_PENDING:])
    return state


def pop(request: HttpRequest, state: str, *, user_id: int | None) -> Pending:
    """What ``state`` was made for; it cannot be used again. Raises StateRefused."""
    pending = _alive(request)
    found = pending.pop(state, None)
    request.session[_SESSION_KEY] = pending
    if found is None or found[1] != user_id:
        raise StateRefused
    return Pending(tenant_slug=found[0], user_id=found[1])


def _alive(request: HttpRequest) -> dict[str, list[Any]]:
    pending: dict[str, list[Any]] = request.session.get(_SESSION_KEY, {})
    oldest = time.time() - LIFETIME
    return {state: made for state, made in pending.items() if made[2] > oldest}
