"""Looking at what the links of ads lead to, when the installation wants that (LINK_CHECKS).

Asking only writes a row, because agents ask, too, and they cannot wake workers.
"""

from __future__ import annotations

import time
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from approvals.link_door import MAX_SECONDS, LinkDoor, LinkRefused, NoAnswer
from approvals.models import AdVariant, LinkCheck
from approvals.models_links import hash_link
from approvals.rules import findings_of_link
from approvals.states import EDITABLE, VariantStatus

FRESH_FOR = timedelta(days=1)
# What may still be decided, if only after an undo; the rest of the ads are where they are.
STILL_OURS = (*EDITABLE, VariantStatus.REJECTED, VariantStatus.EXPIRED)
# One round ends well before the queue's timeout of 60 seconds.
ROUND_SECONDS = 45 - MAX_SECONDS


def ask_for_link(*, tenant_id: int, link: str) -> LinkCheck | None:
    """Have a link opened within a minute, unless that was done within a day; None if it is off."""
    if not settings.LINK_CHECKS:
        return None
    check, _created = LinkCheck.objects.get_or_create(
        tenant_id=tenant_id, link_sha256=hash_link(link), defaults={"link": link}
    )
    if check.checked_at and check.checked_at < timezone.now() - FRESH_FOR:
        LinkCheck.objects.filter(pk=check.pk).update(state=LinkCheck.State.WAITING)
    return check


def note_link(variant: AdVariant, check: LinkCheck) -> None:
    """Write down what opening the link of the newest version has found, unless that is known."""
    assert variant.head is not None
    found = [one.as_json() for one in findings_of_link(variant.head, check)]
    if found == variant.link_flags:
        return
    variant.link_flags, variant.has_warnings = found, bool(variant.head.flags or found)
    # Not if there is a newer version by now. Agents read what changed since they asked.
    AdVariant.objects.filter(pk=variant.pk, head=variant.head).update(
        link_flags=found, has_warnings=variant.has_warnings, updated_at=timezone.now()
    )


def open_links(*, door: LinkDoor | None = None) -> None:
    """Open the links that wait, oldest first, for at most 45 seconds; the rest is next."""
    if not settings.LINK_CHECKS:
        return
    door = door or LinkDoor()
    ends_at = time.monotonic() + ROUND_SECONDS
    for check in LinkCheck.objects.filter(state=LinkCheck.State.WAITING).order_by("pk")[:100]:
        if time.monotonic() > ends_at:
            return
        _open(check, door)


def _open(check: LinkCheck, door: LinkDoor) -> None:
    """Open one link and write down what was found. Twice at once reads the page twice."""
    check.status, check.final_link, check.reason, check.page_text = None, "", "", ""
    try:
        landing = door.read(check.link)
    except LinkRefused as exc:
        check.state, check.reason = LinkCheck.State.REFUSED, exc.reason[:200]
    except NoAnswer:
        check.state = LinkCheck.State.SILENT
    else:
        check.state, check.status = LinkCheck.State.ANSWERED, landing.status
        check.final_link, check.page_text = landing.link[:4000], landing.text
    check.checked_at = timezone.now()
    with transaction.atomic():
        # Ads that are being stored with this link hold its row: they are noted here, or by whoever
        # stores them.
        LinkCheck.objects.select_for_update().get(pk=check.pk)
        check.save()
    for variant in check.variants.filter(status__in=STILL_OURS).select_related("head"):
        note_link(variant, check)
