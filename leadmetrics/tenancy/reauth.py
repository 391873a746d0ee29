"""Asking for the password once more before an act that a borrowed browser must not do."""

from __future__ import annotations

import time

from django.http import HttpRequest

from leadmetrics.errors import InvalidInput
from leadmetrics.tenancy.forms import client_address
from leadmetrics.tenancy.models import User
from leadmetrics.tenancy.services import forgive_sign_in, may_try_sign_in

VALID_SECONDS = 15 * 60
_KEY = "password_confirmed_at"


def is_confirmed(request: HttpRequest) -> bool:
    """Whether the person typed the password again within the last 15 minutes.

    Signing in does not count. The session, and this with it, ends when the password changes.
    """
    age = time.time() - float(request.session.get(_KEY, 0))
    return 0 <= age <= VALID_SECONDS


def confirm(request: HttpRequest, password: str) -> None:
    """Check the person's password and remember that in the session. Raises InvalidInput.

    Tries count together with those of the sign-in page.
    """
    user = request.user
    assert isinstance(user, User)
    address = client_address(request)
    if not may_try_sign_in(email=user.email, address=address):
        raise InvalidInput("Too many tries. Wait five minutes, then type your password again.")
    if not user.check_password(password):
        raise InvalidInput("This is not your password. Nothing was done; try again.")
    forgive_sign_in(email=user.email, address=address)
    request.session[_KEY] = time.time()
