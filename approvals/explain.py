"""Where an approved ad is: one word, one cause, one next step, one owner. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from approvals.models import Push
from approvals.states import PushState, VariantStatus

NOBODY = ""
REVIEWER = "a reviewer"
ADMIN = "an admin"
OPERATOR = "whoever runs this installation"

# status: (the one plain word, tone, icon)
WORDS = {
    VariantStatus.APPROVED: ("Waiting to be sent", "info", "clock"),
    VariantStatus.PUSHING: ("Being sent", "info", "send"),
    VariantStatus.PUSH_UNKNOWN: ("Being looked up", "warn", "search"),
    VariantStatus.PUSH_FAILED: ("Needs someone", "bad", "triangle-alert"),
    VariantStatus.PAUSED: ("In the ad account: paused", "good", "circle-pause"),
    VariantStatus.ACTIVATING: ("Being switched on", "info", "power"),
    VariantStatus.ACTIVE: ("Live", "good", "play"),
    VariantStatus.PAUSING: ("Being paused", "info", "circle-pause"),
    VariantStatus.META_REFUSED: ("Refused by Meta", "bad", "ban"),
    VariantStatus.PROPOSED: ("In review", "neutral", "inbox"),
    VariantStatus.REJECTED: ("Rejected", "neutral", "x"),
    VariantStatus.WITHDRAWN: ("Withdrawn", "neutral", "archive-restore"),
}
_CAUSES = {
    VariantStatus.APPROVED: "It is approved. A worker takes it within seconds.",
    VariantStatus.PUSHING: "The worker is talking to Meta.",
    VariantStatus.PUSH_UNKNOWN: "Meta gave no answer, so the ad may exist. It is looked up before "
    "anything is sent again.",
    VariantStatus.PAUSED: "Meta holds it with exactly the text that was approved. While it is "
    "paused it spends nothing.",
    VariantStatus.ACTIVATING: "Somebody switched it on. The text at Meta is compared once more "
    "first.",
    VariantStatus.ACTIVE: "It was switched on here, with exactly the text that was approved.",
    VariantStatus.PAUSING: "Meta is being told to pause it.",
    VariantStatus.META_REFUSED: "Meta refused it in its ad review, so it cannot run.",
    VariantStatus.PROPOSED: "It waits for a decision; nothing of it is at Meta.",
    VariantStatus.REJECTED: "Nothing of it was sent to Meta.",
    VariantStatus.WITHDRAWN: "Nothing of it was sent to Meta.",
}
# The push's problem: what helps, and whose it is.
_HELP = {
    "content_differs": ("Send it back to review and decide anew.", REVIEWER),
    "approver_left": ("Send it back to review, so that somebody else decides.", REVIEWER),
    "ad_account_off": ("Switch the ad account on under Connections, then try again.", ADMIN),
    "too_many_attempts": ("Look at the connection under Connections, then try again.", ADMIN),
    "ad_not_found": ("Look in Ads Manager for the reference below, then try again.", REVIEWER),
    "several_ads": ("Delete all but one in Ads Manager, then try again.", REVIEWER),
    "was_not_paused": ("Check the ad in Ads Manager, then try again: it is read anew.", REVIEWER),
    "stored_differently": ("Compare both texts in Ads Manager. The ad stays paused.", REVIEWER),
    "permission_missing": ("Give access in Meta's business settings, then try again.", ADMIN),
    "refused_by_meta": ("Send it back to review, change what Meta refused, and decide.", REVIEWER),
    "needs_someone": ("Look in Ads Manager first, then try again.", REVIEWER),
    "app_misconfigured": ("Check META_APP_ID and META_APP_SECRET, then try again.", OPERATOR),
    "api_version_expired": ("Set META_API_VERSION, then try again.", OPERATOR),
    "cannot_decrypt": ("Restore ENCRYPTION_KEYS, or let an admin reconnect.", OPERATOR),
    "needs_reconnect": ("Reconnect under Connections. Then it goes on by itself.", ADMIN),
    "not_connected": ("Reconnect under Connections. Then it goes on by itself.", ADMIN),
}
_TRY_AGAIN = ("Correct what it says, then try again.", REVIEWER)
_BY_ITSELF = "Nothing to do: it goes on by itself."


@dataclass(frozen=True, slots=True)
class Where:
    """``tone`` is good, info, warn, bad or neutral; without an ``owner`` nobody needs to act."""

    word: str
    tone: str
    icon: str
    cause: str
    next_step: str
    owner: str


def where_is(status: str, push: Push | None) -> Where:
    """Where a variant with this status and live push is."""
    known = VariantStatus(status)
    word, tone, icon = WORDS[known]
    problem, code = (push.problem, push.problem_code) if push else ("", "")
    if known == VariantStatus.PUSH_FAILED:
        next_step, owner = _HELP.get(code, _TRY_AGAIN)
        return Where(word, tone, icon, problem, next_step, owner)
    if push and push.state in (PushState.WAITING, PushState.UNKNOWN) and problem:
        next_step, owner = _HELP.get(code, (_BY_ITSELF, NOBODY))
        return Where(word, "warn", icon, problem, next_step, owner)
    next_step = _BY_ITSELF if known == VariantStatus.PUSH_UNKNOWN else ""
    return Where(word, tone, icon, _CAUSES[known], next_step, NOBODY)
