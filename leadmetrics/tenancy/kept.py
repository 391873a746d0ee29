"""What somebody typed while their session ended: kept until the same person has signed in again.

It waits in the visitor's own session, which outlives the sign-in. A form that wants this carries a
signed note of who it was drawn for, so that no stranger can store anything here and nobody else
who signs in at the same desk sees it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, QueryDict

from leadmetrics.tenancy.models import User

WRITER = "writer"
LOST_FILE = "lost_file"
TOO_LONG = "was longer than the 50,000 characters that are kept meanwhile, so it was not saved."
_KEY, _SALT = "kept_typing", "leadmetrics.kept"
_SECONDS = 3600
_MOST = 50_000  # characters, encoded
_FORM_AGE = 14 * 24 * 3600

View = TypeVar("View", bound=Callable[..., Any])


def keeps_typing(view: View) -> View:
    """Mark a view whose POST is kept when nobody is signed in any more."""
    view.keeps_typing = True  # type: ignore[attr-defined]
    return view


def note_of(user: User) -> str:
    """Who a form is drawn for; goes into its hidden field ``writer``."""
    return signing.dumps(user.pk, salt=_SALT)


def keep(request: HttpRequest) -> bool:
    """Keep what was posted, of a file only its name, as ``LOST_FILE``; whether its writer is known.

    Of more than 50,000 characters only is kept that there was something, so that it can be said.
    """
    try:
        writer = signing.loads(request.POST.get(WRITER, ""), salt=_SALT, max_age=_FORM_AGE)
    except signing.BadSignature:
        return False
    typed = request.POST.copy()
    for name in (WRITER, "csrfmiddlewaretoken"):
        typed.pop(name, None)
    typed.setlist(LOST_FILE, [str(file)[:100] for file in request.FILES.values()])
    data = typed.urlencode()
    kept = data if len(data) <= _MOST else None
    request.session[_KEY] = [request.path, writer, int(time.time()), kept]
    return True


def is_kept(request: HttpRequest) -> bool:
    """Whether something waits for its writer to sign in."""
    return _KEY in request.session and not is_lost(request)


def is_lost(request: HttpRequest) -> bool:
    """Whether something was typed that was too long to be kept."""
    return _KEY in request.session and request.session[_KEY][3] is None


def take(request: HttpRequest, path: str) -> QueryDict | None:
    """What this person had posted to ``path`` within the last hour, once; else None.

    If it was too long to be kept, the page says so.
    """
    if request.session.get(_KEY, [""])[0] != path:
        return None
    _, writer, at, data = request.session.pop(_KEY)
    if time.time() - at >= _SECONDS or writer != request.user.pk:
        return None
    if data is None:
        messages.warning(request, f"Your session had ended. What you typed {TOO_LONG}")
        return None
    return QueryDict(data)
