"""Whether the process is up, and whether the product can work. Open to all, tells nothing else."""

from __future__ import annotations

from functools import cache

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from leadmetrics.audit import append_only


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
