"""What the review page answers: the desk with one ad on it, and where a decision leads.

Every answer is the same desk: a whole page, or for htmx only the desk and what else of the page
depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render

from approvals.access import access_variant
from approvals.card import HISTORY_LENGTH, card_context, head_of, moved_since
from approvals.desk import Desk, Window, list_context, window_around
from approvals.forms import ChangesForm, RejectForm, ShownForm
from approvals.limits import RECOMMENDED
from approvals.models import AdVariant, Decision
from approvals.neighbours import siblings_of
from approvals.presence import others_here
from approvals.selectors.queue import first_from, variants_to_review
from approvals.selectors.verdicts import decision_to_undo, decisions_and_undo, decisions_of
from approvals.services.seen import note_seen
from approvals.services.shown import ContentChanged
from approvals.states import VariantStatus
from leadmetrics.errors import StateConflict
from leadmetrics.htmx import announce, is_fragment
from leadmetrics.tenancy.kept import LOST_FILE, note_of, take
from leadmetrics.tenancy.middleware import TenantRequest

# Verdicts that may well fit an alike text, too.
OFFERED = ("Approved", "Edited and approved", "Rejected")
ONCE = "You had decided that already; it counts once."


@dataclass(frozen=True, slots=True)
class Notice:
    """What the person must know before anything else."""

    tone: str
    title: str
    body: str = ""
    url: str = ""


def not_sent(typed: QueryDict) -> Notice:
    """What the page says about what was typed while the session ended."""
    file = typed.get(LOST_FILE)
    lost = f" Choose “{file}” again: a file cannot be kept." if file else ""
    words = f"What you typed is here again; it was not sent. Send it now.{lost}"
    return Notice("warn", "Your session had ended", words)


def open_desk(request: TenantRequest, shown: AdVariant, **details: Any) -> HttpResponse:
    """The desk with this ad on it."""
    if form := details.get("form"):
        form.aim_focus()
    desk = Desk.read(request.tenant, request.GET)
    return answer(request, desk, window_around(_waiting(request, desk), desk, shown), **details)


def answer(
    request: TenantRequest, desk: Desk, window: Window, *, status: int = 200, **details: Any
) -> HttpResponse:
    """The desk, as a page or as what htmx swaps in."""
    card, undo = _card_and_undo(request, desk, window.at)
    may_decide = request.membership.is_reviewer
    context = {
        "desk": desk,
        "is_open": True,
        "choices": None,
        "form": None,
        "rejection": None,
        "notice": None,
        "changes": (),
        "outcome": None,
        "asking": None,
        "commenting": None,
        "confirm": (),
        "confirm_hash": "",
        "undo": undo,
        "undo_url": desk.url("undo", undo.variant) if undo and may_decide else "",
        "limits": RECOMMENDED,
        "reasons": Decision.Reason.choices,
        "card": card,
        "writer": note_of(request.user),
        **list_context(request.tenant, desk, window),
        **(_kept_typing(request, card) if card and not details else {}),
        **details,
    }
    came = context["is_open"] and not _is_fetched_ahead(request)
    is_written = context["form"] or context["commenting"]
    if card:
        card["others_here"] = others_here(card["variant"].pk, request.user, came=came)
    if card and came and not is_written and may_decide and not card["needs_another"]:
        note_seen(actor=request.actor, shown={card["variant"].pk: card["shown"]["content_hash"]})
    if not is_fragment(request):
        return render(request, "approvals/review.html", context, status=status)
    response = render(request, "approvals/_desk_swap.html", context, status=status)
    if status != 200 and window.at:  # the address of a refused act would not survive a reload
        name = "edit" if context["form"] else "variant"
        response["HX-Push-Url"] = desk.url(name, window.at)
    return response


def _card_and_undo(
    request: TenantRequest, desk: Desk, shown: AdVariant | None
) -> tuple[dict[str, Any] | None, Decision | None]:
    """The open ad, and the person's decision that can be taken back."""
    if shown is None:
        return None, decision_to_undo(request.user, request.tenant)
    decisions, undo = decisions_and_undo(shown, request.user, most=HISTORY_LENGTH)
    return card_context(request.tenant, request.user, desk, shown, decisions), undo


def _kept_typing(request: TenantRequest, card: dict[str, Any]) -> dict[str, Any]:
    """The menu, open with the comment in it, that was sent when the session had ended."""
    menus = (("reject", "rejection", RejectForm), ("changes", "asking", ChangesForm))
    for act, name, form in menus:
        if typed := take(request, urlsplit(card[f"{act}_url"]).path):
            return {name: form(initial=typed.dict()), "notice": not_sent(typed)}
    return {}


def _waiting(request: TenantRequest, desk: Desk) -> QuerySet[AdVariant]:
    return variants_to_review(request.tenant, desk.narrow, request.user, desk.order)


def _is_fetched_ahead(request: TenantRequest) -> bool:
    """Whether the page is only got ready: nobody has it on the screen yet."""
    return request.headers.get("X-Prefetch") == "1"


def go_on(
    request: TenantRequest,
    decided: AdVariant,
    verb: str,
    rest: str,
    *,
    before: AdVariant | None = None,
) -> HttpResponse:
    """The next waiting ad after a decision; after the last one, what was passed over before.

    ``before`` is the ad as it was in the queue, if the act has moved it.
    """
    desk = Desk.read(request.tenant, request.GET)
    waiting = _waiting(request, desk)
    others = waiting.exclude(pk=decided.pk)
    place = desk.order.place_of(before or decided)
    following = first_from(others, desk.order, place) or others.first()
    url = desk.url("variant", following) if following else desk.url()
    did = f"{verb} “{head_of(decided).headline}”."
    alike = len(siblings_of(request.tenant, decided)) if verb in OFFERED else 0
    if not is_fragment(request):
        hint = f" {alike} alike still wait: decide them together under the list." if alike else ""
        messages.success(request, f"{did} {rest}{hint}")
        return redirect(url)
    window = window_around(waiting, desk, following) if following else Window()
    outcome = Notice("good", did, rest, desk.url("variant", decided))
    response = answer(
        request,
        desk,
        window,
        is_open=bool(following),
        outcome=outcome,
        alike_count=alike,
        alike_url=desk.url("bulk", alike=str(decided.pk)),
    )
    return announce(response, f"{did} {rest}", url=url)


def conflict(
    request: TenantRequest, variant_id: UUID, form: ShownForm, exc: StateConflict, verdict: str
) -> HttpResponse:
    """The decision did not count: the true state, and what is different from what was shown."""
    shown = access_variant(actor=request.actor, variant_id=variant_id)
    last = decisions_of(shown).first()
    if (
        last is not None
        and shown.status != VariantStatus.PROPOSED
        and (last.reviewer_id, last.verdict, last.content_hash)
        == (request.user.pk, verdict, form.shown_hash)
    ):  # a second click: the first one counted, so say that
        verb = str(Decision.Verdict(verdict).label)
        return go_on(request, shown, verb, ONCE)
    return open_desk(
        request, shown, **difference(form, shown, exc), **_comment_of(form), status=409
    )


def _comment_of(form: ShownForm) -> dict[str, Any]:
    """The menu, open with the comment that was sent along with a decision that did not count."""
    name = "rejection" if isinstance(form, RejectForm) else "asking"
    return {name: form} if form.cleaned_data.get("comment") else {}


def difference(form: ShownForm, shown: AdVariant, exc: StateConflict) -> dict[str, Any]:
    """What the page says when an act did not count: a notice and what changed."""
    if not isinstance(exc, ContentChanged):
        return {"notice": Notice("warn", "Your decision was not counted", exc.user_message)}
    changes = moved_since(shown, number=form.shown_number, goes_to=form.shown_target)
    body = "Your decision was not counted. " + (
        "Here is what changed." if changes else "It is no longer what you saw. Look again."
    )
    notice = Notice("warn", "This ad changed while you were reading", body)
    return {"notice": notice, "changes": changes}
