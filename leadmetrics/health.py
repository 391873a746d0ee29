"""Whether the process is up and the product can work, and what is answered when it cannot."""

from __future__ import annotations

import sys
from functools import cache

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from django.views.decorators.http import require_safe

from leadmetrics.audit import append_only

# The database is away, locked, full or may only be read. Only when the connection broke in the very
# moment of a commit it may have been kept.
_CANNOT_WORK = (OperationalError, InterfaceError, InternalError)
_RETRY_AFTER = "5"  # seconds
_AWAY = "The database cannot take that just now. Repeat it soon, with the same Idempotency-Key."


@login_not_required
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """The database answers, is migrated, and guards what must not change; 503 otherwise."""
    problem = _problem()
    return JsonResponse({"ready": not problem, "problem": problem}, status=503 if problem else 200)


def _problem() -> str:
    try:
        if _newest_migrations() - MigrationRecorder(connection).applied_migrations().keys():
            return "The database is not migrated."
        return "The append-only triggers are missing." if append_only.missing() else ""
    except DatabaseError:
        return "The database does not answer."


@cache  # reading every migration file takes a while, and they do not change under a running process
def _newest_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def broken(request: HttpRequest) -> HttpResponse:
    """What is answered to a failure nobody foresaw: 500, or 503 while the database cannot work.

    Agents get a problem document, people a page that needs no database.
    """
    is_away = isinstance(sys.exc_info()[1], _CANNOT_WORK)
    status = 503 if is_away else 500
    if request.path.startswith(("/api/", "/mcp")):
        problem = {
            "title": "Try again soon" if is_away else "Broken on our side",
            "status": status,
            "code": "unavailable" if is_away else "internal",
            "detail": _AWAY if is_away else "It has been noted. Ask what became of the request.",
        }
        response: HttpResponse = JsonResponse(problem, status=status)
        response["Content-Type"] = "application/problem+json"
    else:
        response = HttpResponse(loader.render_to_string(f"{status}.html"), status=status)
    if is_away:
        response["Retry-After"] = _RETRY_AFTER
    return response
