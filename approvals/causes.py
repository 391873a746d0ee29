"""Why an ad is not live: every cause with one word, one sentence, one next step, one owner. Pure.

A cause without a sentence of its own takes the one that was stored with the problem. Braces are
filled by ``explain``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NOBODY = ""
AUTHOR = "whoever writes the copy"
REVIEWER = "a reviewer"
ACTIVATOR = "somebody who may switch ads on"
ADMIN = "an admin"
BUYER = "whoever runs the campaigns in Ads Manager"
OPERATOR = "whoever runs this installation"

BY_ITSELF = "Nothing to do: it goes on by itself."
_RECONNECT = "Reconnect under Connections. Then it goes on by itself."


@dataclass(frozen=True, slots=True)
class Cause:
    """One row of the table. ``tone`` is good, info, warn, bad or neutral."""

    word: str
    tone: str
    icon: str
    words: str
    next_step: str = ""
    owner: str = NOBODY


_WAITING = ("Waiting to be sent", "info", "clock")
_HELD = ("Waiting to be sent", "warn", "clock")
_FAILED = ("Needs someone", "bad", "triangle-alert")
_PAUSED = ("In the ad account: paused", "good", "circle-pause")
_ON = ("Switched on, not running", "warn", "power")
_CHANGED = ("Changed in Meta", "bad", "triangle-alert")

CAUSES: Mapping[str, Cause] = {
    # Not at Meta yet.
    "in_review": Cause(
        "In review",
        "neutral",
        "inbox",
        "It waits for a decision; nothing of it is at Meta.",
        "Decide on it under Review.",
        REVIEWER,
    ),
    "rejected": Cause(
        "Rejected",
        "neutral",
        "x",
        "Nothing of it was sent to Meta.",
        "Propose another version that answers the reason below.",
        AUTHOR,
    ),
    "changes_asked_for": Cause(
        "Changes asked for",
        "neutral",
        "message-square",
        "Its author was asked for another version; nothing of it is at Meta.",
        "Send a new version.",
        AUTHOR,
    ),
    "expired": Cause(
        "Expired, not decided",
        "neutral",
        "clock",
        "Nobody decided it in time: neither a yes nor a no. Nothing of it was sent to Meta.",
        "Put it back into the queue, if it still matters.",
        REVIEWER,
    ),
    "withdrawn": Cause(
        "Withdrawn", "neutral", "archive-restore", "Nothing of it was sent to Meta."
    ),
    "waiting_for_worker": Cause(
        *_WAITING, "It is approved. A worker takes it within seconds.", BY_ITSELF
    ),
    "not_due_yet": Cause(*_WAITING, "It is approved and is sent at {when}.", BY_ITSELF),
    "can_be_undone": Cause(
        *_WAITING,
        "It is approved. The decision can be undone until {when}; then it is sent.",
        BY_ITSELF,
    ),
    "worker_silent": Cause(
        *_HELD,
        "It is approved, and no worker has taken it for {minutes} minutes.",
        "Look whether the worker runs: manage.py up, or the service of the jobs.",
        OPERATOR,
    ),
    "being_sent": Cause("Being sent", "info", "send", "The worker is talking to Meta.", BY_ITSELF),
    "meta_asks_to_wait": Cause(*_HELD, "", BY_ITSELF),
    "meta_away": Cause(*_HELD, "", BY_ITSELF),
    "writes_stopped": Cause(
        *_HELD, "", "Resume sending when it may go on. Then it goes on by itself.", ADMIN
    ),
    "writes_stopped_everywhere": Cause(
        *_HELD, "", "Wait until it is resumed for every workspace.", OPERATOR
    ),
    "restored": Cause(
        *_HELD, "", "Run manage.py push_approved --reconcile. Then it goes on by itself.", OPERATOR
    ),
    "held": Cause(*_HELD, "", BY_ITSELF),
    "being_looked_up": Cause(
        "Being looked up",
        "warn",
        "search",
        "Meta gave no answer, so the ad may exist. It is looked up before anything is sent again.",
        BY_ITSELF,
    ),
    "no_connection": Cause(*_HELD, "", _RECONNECT, ADMIN),
    # Not at Meta, and a person has to do something.
    "installation": Cause(
        *_FAILED,
        "",
        "Check META_APP_ID, META_APP_SECRET, META_API_VERSION and ENCRYPTION_KEYS, then try again.",
        OPERATOR,
    ),
    "account_switched_off": Cause(
        *_FAILED, "", "Switch the ad account on under Connections, then try again.", ADMIN
    ),
    "content_differs": Cause(*_FAILED, "", "Send it back to review and decide anew.", REVIEWER),
    "approver_left": Cause(
        *_FAILED, "", "Send it back to review, so that somebody else decides.", REVIEWER
    ),
    "refused_at_creation": Cause(
        *_FAILED, "", "Send it back to review, change what Meta refused, and decide.", REVIEWER
    ),
    "no_permission": Cause(
        *_FAILED, "", "Give access in Meta's business settings, then try again.", ADMIN
    ),
    "ad_not_found": Cause(
        *_FAILED, "", "Look in Ads Manager for the reference below, then try again.", REVIEWER
    ),
    "several_ads": Cause(
        *_FAILED, "", "Delete all but one in Ads Manager, then try again.", REVIEWER
    ),
    "was_not_paused": Cause(
        *_FAILED, "", "Check the ad in Ads Manager, then try again: it is read anew.", REVIEWER
    ),
    "stored_differently": Cause(
        *_FAILED, "", "Compare both texts in Ads Manager. The ad stays paused.", REVIEWER
    ),
    "gave_up": Cause(
        *_FAILED, "", "Look at the connection under Connections, then try again.", ADMIN
    ),
    "place_does_not_fit": Cause(
        *_FAILED, "", "Correct that in Ads Manager, then try again.", BUYER
    ),
    "needs_a_look": Cause(*_FAILED, "", "Correct what it says, then try again.", REVIEWER),
    # At Meta.
    "meta_reviews": Cause(
        "In Meta's review",
        "info",
        "clock",
        "Meta reviews every new ad, a paused one, too. That usually ends within a day.",
        BY_ITSELF,
    ),
    "refused_in_review": Cause(
        "Refused by Meta",
        "bad",
        "ban",
        "Meta refused it in its ad review, so it cannot run.",
        "Write a new version. It is decided and sent anew.",
        REVIEWER,
    ),
    "not_switched_on": Cause(
        *_PAUSED,
        "Meta holds it with exactly the text that was approved. While it is paused it spends "
        "nothing.",
        "Switch it on when it should run.",
        ACTIVATOR,
    ),
    "switching_on": Cause(
        "Being switched on",
        "info",
        "power",
        "Somebody switched it on. The text at Meta is compared once more first.",
        BY_ITSELF,
    ),
    "switching_on_waits": Cause("Being switched on", "warn", "power", "", BY_ITSELF),
    "switching_on_refused": Cause(
        "In the ad account: paused",
        "warn",
        "circle-pause",
        "",
        "Look at it in Ads Manager, then switch it on again.",
        ACTIVATOR,
    ),
    "being_paused": Cause(
        "Being paused", "info", "circle-pause", "Meta is being told to pause it.", BY_ITSELF
    ),
    "paused_outside": Cause(
        "In the ad account: paused",
        "warn",
        "circle-pause",
        "It was switched on here, and {who} paused it in Ads Manager.",
        "Switch it on again if that was a mistake.",
        ACTIVATOR,
    ),
    "gone_at_meta": Cause(
        "Gone at Meta",
        "bad",
        "trash-2",
        "The ad was {status} in Ads Manager.",
        "Propose it anew if it should run.",
        AUTHOR,
    ),
    "changed_at_meta": Cause(
        *_CHANGED,
        "At Meta {what} is no longer what was approved. Changed by {who}.",
        "Put the approved text back in Ads Manager, or propose the new one.",
        REVIEWER,
    ),
    "account_stopped": Cause(
        "Ad account stopped",
        "bad",
        "ban",
        "The ad account {account} cannot run ads: {status}.",
        "Settle that with Meta in Ads Manager. Then it goes on by itself.",
        ADMIN,
    ),
    "unpaid": Cause(
        *_ON,
        "Meta waits for a payment method in the ad account.",
        "Add one in Ads Manager under Billing.",
        ADMIN,
    ),
    "issues": Cause(
        *_ON,
        "Meta found something that keeps it from running: {what}",
        "Look at the ad in Ads Manager.",
        BUYER,
    ),
    "campaign_off": Cause(
        *_ON,
        "Its campaign is switched off in Ads Manager.",
        "Switch the campaign on there when it should run.",
        BUYER,
    ),
    "ad_set_off": Cause(
        *_ON,
        "Its ad set is switched off in Ads Manager.",
        "Switch the ad set on there when it should run.",
        BUYER,
    ),
    "not_started": Cause(*_ON, "Its ad set starts on {when}.", BY_ITSELF),
    "over": Cause(
        *_ON,
        "Its ad set ended on {when}.",
        "Give the ad set a later end in Ads Manager.",
        BUYER,
    ),
    "unknown": Cause(
        "We do not know",
        "warn",
        "circle-help",
        "We do not know where it stands, last checked {when}.",
        "Look at it in Ads Manager; here it is read again by itself.",
        REVIEWER,
    ),
    # Live after all.
    "on_outside": Cause(
        "Live, switched on in Ads Manager",
        "warn",
        "power",
        "It runs with the approved text, but {who} switched it on in Ads Manager, not here.",
        "Pause it here if that was not meant to be.",
        REVIEWER,
    ),
    "live": Cause("Live", "good", "play", "It runs with exactly the text that was approved."),
}

# The code stored with a push's problem, to its cause; any other code needs a look.
OF_PROBLEM: Mapping[str, str] = {
    "content_differs": "content_differs",
    "approver_left": "approver_left",
    "ad_account_off": "account_switched_off",
    "too_many_attempts": "gave_up",
    "account_stopped": "place_does_not_fit",
    "ad_set_missing": "place_does_not_fit",
    "ad_set_elsewhere": "place_does_not_fit",
    "ad_set_dynamic": "place_does_not_fit",
    "ad_set_full": "place_does_not_fit",
    "page_unusable": "place_does_not_fit",
    "declaration_missing": "place_does_not_fit",
    "ad_not_found": "ad_not_found",
    "several_ads": "several_ads",
    "was_not_paused": "was_not_paused",
    "stored_differently": "stored_differently",
    "permission_missing": "no_permission",
    "refused_by_meta": "refused_at_creation",
    "app_misconfigured": "installation",
    "api_version_expired": "installation",
    "cannot_decrypt": "installation",
    "needs_reconnect": "no_connection",
    "not_connected": "no_connection",
    "meta_throttled": "meta_asks_to_wait",
    "meta_unavailable": "meta_away",
    "unreadable_answer": "meta_away",
    "outcome_unknown": "meta_away",
    "writes_stopped": "writes_stopped",
}
