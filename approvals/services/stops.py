"""The stop switch: nothing new goes out to Meta, in one workspace or everywhere.

Every claim and every intent of a write looks for it in its own transaction, so it counts from the
commit on; only a call that is already on the wire still ends.
"""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.db import models, transaction
from django.utils import timezone

from approvals.models import Push, WriteStop
from approvals.selectors.sending import STOPS_FOR_PAGES, write_stop_of
from approvals.services.marks import why_not_to_write
from approvals.states import PushState
from leadmetrics import queue
from leadmetrics.audit.log import record
from leadmetrics.errors import InvalidInput, LeadmetricsError
from leadmetrics.tenancy.actors import Actor, require_role, system
from leadmetrics.tenancy.models import Role, Tenant

WAKE_AT_ONCE = 20


class WritesStopped(LeadmetricsError):
    """Somebody stopped all writing; it goes on when they say so."""

    code = "writes_stopped"
    user_message = (
        "Sending to Meta is stopped. It goes on by itself when an admin or support resumes it."
    )


class InDoubt(WritesStopped):
    """The database was restored, and nobody has asked Meta yet what is there."""

    user_message = (
        "This installation was restored from a backup. Nothing is switched on before whoever runs "
        "it has asked Meta what is there."
    )


def require_known_past() -> None:
    """Raises InDoubt while this database may have forgotten what was sent from it."""
    if why_not_to_write():
        raise InDoubt


def may_write(tenant_id: int) -> bool:
    """Whether anything may go out to Meta for this tenant now."""
    return write_stop_of(tenant_id) is None and not why_not_to_write()


def require_writes(tenant_id: int) -> None:
    """Raises WritesStopped while the switch is on, here or everywhere."""
    if write_stop_of(tenant_id) is not None:
        raise WritesStopped


def stop_writes(*, actor: Actor, reason: str) -> WriteStop:
    """Stop writing in the actor's workspace. Raises NotAllowed, InvalidInput without a reason."""
    reason = _required(reason)
    with transaction.atomic():
        member = require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
        stop, is_new = WriteStop.objects.get_or_create(
            tenant=member.tenant, defaults={"reason": reason, "stopped_by": actor.label}
        )
        if is_new:
            record(actor, "writes.stopped", member.tenant, {"reason": reason})
            transaction.on_commit(tell_pages)
    return stop


def resume_writes(*, actor: Actor) -> None:
    """Let writing go on in the actor's workspace; what waited is sent at once."""
    with transaction.atomic():
        member = require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
        removed, _ = WriteStop.objects.filter(tenant=member.tenant).delete()
        if removed:
            record(actor, "writes.resumed", member.tenant)
            transaction.on_commit(tell_pages)
            _wake(Push.objects.filter(variant__tenant=member.tenant))


def stop_all_writes(*, person: str, reason: str) -> WriteStop:
    """Support stops writing in every workspace; each one's audit log says so."""
    reason = _required(reason)
    with transaction.atomic():
        stop, is_new = WriteStop.objects.get_or_create(
            tenant=None, defaults={"reason": reason, "stopped_by": f"{person} (support)"}
        )
        if is_new:
            transaction.on_commit(tell_pages)
            for tenant in Tenant.objects.order_by("pk"):
                actor = system(tenant.pk, f"{person} (support)")
                record(actor, "writes.stopped", tenant, {"reason": reason, "everywhere": True})
    return stop


def resume_all_writes(*, person: str) -> None:
    """Support lets writing go on, except where a workspace stopped it itself."""
    with transaction.atomic():
        removed, _ = WriteStop.objects.filter(tenant=None).delete()
        if removed:
            transaction.on_commit(tell_pages)
            for tenant in Tenant.objects.order_by("pk"):
                actor = system(tenant.pk, f"{person} (support)")
                record(actor, "writes.resumed", tenant, {"everywhere": True})
            _wake(Push.objects.all())


def tell_pages() -> None:
    """Put what is stopped where every page finds it without a query; the sweep does so, too."""
    stops: list[Any] = list(WriteStop.objects.values("tenant_id", "stopped_by", "reason"))
    if doubt := why_not_to_write():
        stops.insert(0, {"tenant_id": None, "stopped_by": "", "reason": doubt})
    cache.set(STOPS_FOR_PAGES, stops, timeout=None)


def _required(reason: str) -> str:
    reason = " ".join(reason.split())[:200]
    if not reason:
        raise InvalidInput("Say why, so that your colleagues know.")
    return reason


def _wake(pushes: models.QuerySet[Push]) -> None:
    held = pushes.filter(state=PushState.WAITING, problem_code=WritesStopped.code)
    held.update(next_attempt_at=timezone.now())
    waiting = pushes.filter(state=PushState.WAITING, next_attempt_at__isnull=True)
    for push_id in [
        *held.values_list("pk", flat=True)[:WAKE_AT_ONCE],
        *waiting.values_list("pk", flat=True)[:WAKE_AT_ONCE],
    ]:
        queue.enqueue("approvals.tasks.push_variant", push_id)
