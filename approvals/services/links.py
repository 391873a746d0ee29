"""Looking at what the links of ads lead to, when the installation wants that (LINK_CHECKS).

Asking only writes a row, because agents ask, too, and they cannot wake workers.
"""

from __future__ import annotations

import time
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from approvals.link_door import MAX_SECONDS, LinkDoor, LinkRefused, NoAnswer
from approvals.models import LinkCheck
from approvals.models_links import hash_link

FRESH_FOR = timedelta(days=1)
# One round ends well before the queue's timeout of 60 seconds.
ROUND_SECONDS = 45 - MAX_SECONDS


def ask_for_link(*, tenant_id: int, link: str) -> None:
    """Have a link opened within a minute, unless that is off or was done within a day."""
    if not settings.LINK_CHECKS:
        return
    check, _created = LinkCheck.objects.get_or_create(
        tenant_id=tenant_id, link_sha256=hash_link(link), defaults={"link": link}
    )
    if check.checked_at and check.checked_at < timezone.now() - FRESH_FOR:
        LinkCheck.objects.filter(pk=check.pk).update(state=LinkCheck.State.WAITING)


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
    check.save()
