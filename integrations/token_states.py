"""Every state a grant's token can be in: its label, whose turn it is, and the next step.

The one home of these words. ``state_of`` reads two clocks (the token's end, the end of data access)
and what the last check found; nothing else in the product decides how a grant is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils import timezone

from integrations.models import Integration

SOON = timedelta(days=7)
# An outage of Meta's is nobody's business before it costs somebody something.
PATIENCE = timedelta(days=1)
READING, WRITING = frozenset({"ads_read", "ads_management"}), frozenset({"ads_management"})


class Owner(StrEnum):
    """Whose turn it is."""

    NOBODY = "Nobody needs to act"
    PERSON = "The connected person"
    ADMIN = "An admin of this workspace"
    PAGE_ADMIN = "An admin of the ad account or Page"
    OPERATOR = "Whoever runs this installation"
    META = "Meta"


@dataclass(frozen=True, slots=True)
class TokenState:
    """A state in words. ``{who}`` and ``{day}`` stand for the person and the day it ends."""

    code: str
    tone: str
    label: str
    owner: Owner
    means: str
    next_step: str
    action: str = "Reconnect"
    is_urgent: bool = False
    asks_reconnect: bool = False


_WAITS = "Reports stand still and approved ads wait until then; nothing is lost."
_RECONNECT = "{who} reconnects here with one click."
_T, _S = Integration.Trouble, Integration.Status

STATES = {
    state.code: state
    for state in (
        TokenState("working", "good", "Working", Owner.NOBODY,
                   "Good until {day}; needs {who}'s click by then.", "Nothing to do now."),
        TokenState("endless", "good", "Working", Owner.NOBODY,
                   "This access does not end by itself; it is looked at every day.",
                   "Nothing to do."),
        TokenState("in_part", "warn", "Works in part", Owner.PERSON,
                   "Some permissions are missing; what they are for does not work.",
                   "{who} gives them with “Ask again”."),
        TokenState("cannot_write", "warn", "Reads only", Owner.PERSON,
                   "Performance is read, but approved ads cannot be created and wait.",
                   "{who} gives the missing permission with “Ask again”."),
        TokenState("cannot_read", "bad", "Cannot read", Owner.PERSON,
                   "Without the permissions for ads nothing can be read or created.",
                   "{who} gives the missing permissions with “Ask again”.", is_urgent=True),
        TokenState("ends_soon", "warn", "Ends soon", Owner.PERSON,
                   "Ends {when}, on {day}. It needs {who}'s click by then, or reports stand still "
                   "and approved ads wait.", _RECONNECT, is_urgent=True, asks_reconnect=True),
        TokenState("not_extended", "warn", "Needs reconnecting by {day}", Owner.PERSON,
                   "Meta did not extend it, so it ends {when}, on {day}. Then reports stand still "
                   "and approved ads wait.", _RECONNECT, is_urgent=True, asks_reconnect=True),
        TokenState("data_access_soon", "warn", "Needs reconnecting by {day}", Owner.PERSON,
                   "Facebook wants to see {who} every 90 days: the access to data ends {when}, on "
                   "{day}, though the token lives longer.", _RECONNECT,
                   is_urgent=True, asks_reconnect=True),
        TokenState("expired", "bad", "Ended", Owner.PERSON,
                   "Ended{on}. Reports stand still and approved ads wait until {who} reconnects; "
                   "nothing is lost.", _RECONNECT, is_urgent=True, asks_reconnect=True),
        TokenState("data_access_ended", "bad", "Data access ended", Owner.PERSON,
                   "{who} did not sign in with Facebook here for 90 days, so Facebook closed the "
                   "access to data. " + _WAITS, _RECONNECT, is_urgent=True, asks_reconnect=True),
        TokenState("app_removed", "bad", "Access withdrawn", Owner.PERSON,
                   "{who} removed this app at Facebook. " + _WAITS,
                   "{who} connects again, or another person does.",
                   is_urgent=True, asks_reconnect=True),
        TokenState("password_changed", "bad", "Password changed", Owner.PERSON,
                   "{who}'s Facebook password changed, which ends every access. " + _WAITS,
                   _RECONNECT, is_urgent=True, asks_reconnect=True),
        TokenState("signed_out", "bad", "Signed out", Owner.PERSON,
                   "{who} ended all sign-ins at Facebook, this one included. " + _WAITS,
                   _RECONNECT, is_urgent=True, asks_reconnect=True),
        TokenState("checkpoint", "bad", "Facebook asks the person", Owner.PERSON,
                   "Facebook wants {who} to confirm the account first. " + _WAITS,
                   "{who} signs in at facebook.com and follows the steps there. It is looked at "
                   "every day and goes on by itself; reconnecting helps at once.",
                   is_urgent=True, asks_reconnect=True),
        TokenState("role_lost", "bad", "Role lost", Owner.PAGE_ADMIN,
                   "{who} lost the role on the Page that this access needs. " + _WAITS,
                   "An admin of the Page gives the role back, then {who} reconnects.",
                   is_urgent=True, asks_reconnect=True),
        TokenState("wrong_person", "bad", "Belongs to somebody else", Owner.ADMIN,
                   "Facebook says that this access is not {who}'s for this app. It is not used. "
                   + _WAITS, _RECONNECT, is_urgent=True, asks_reconnect=True),
        TokenState("refused", "bad", "Needs reconnecting", Owner.PERSON,
                   "Facebook no longer accepts this connection. " + _WAITS, _RECONNECT,
                   is_urgent=True, asks_reconnect=True),
        TokenState("undecryptable", "bad", "Cannot be decrypted", Owner.OPERATOR,
                   "The stored access cannot be opened with this installation's keys. It is not "
                   "expired. " + _WAITS,
                   "The operator restores ENCRYPTION_KEYS; if the key is lost, {who} reconnects.",
                   is_urgent=True),
        TokenState("app_settings", "bad", "App settings wrong", Owner.OPERATOR,
                   "Meta does not accept this installation's app id or secret. {who}'s consent is "
                   "fine and reconnecting does not help. " + _WAITS,
                   "The operator corrects META_APP_ID and META_APP_SECRET.", is_urgent=True),
        TokenState("app_off", "bad", "App switched off", Owner.OPERATOR,
                   "Meta has switched this installation's app off or limited it. {who}'s consent "
                   "is fine and reconnecting does not help. " + _WAITS,
                   "The operator looks at the app in Meta's App Dashboard.", is_urgent=True),
        TokenState("version_ended", "bad", "API version ended", Owner.OPERATOR,
                   "The version of Meta's API that is set here has ended. " + _WAITS,
                   "The operator sets META_API_VERSION.", is_urgent=True),
        TokenState("meta_down", "warn", "Meta does not answer", Owner.META,
                   "Meta has not answered for more than a day. The access itself is untouched.",
                   "Nothing to do; it is tried again by itself."),
        TokenState("withdrawing", "neutral", "Disconnected", Owner.NOBODY,
                   "The access was erased here; figures and history stay. It is being withdrawn at "
                   "Facebook, too.", "Nothing to do.", "Connect again"),
        TokenState("left_at_meta", "neutral", "Disconnected", Owner.PERSON,
                   "The access was erased here; figures and history stay. Facebook did not confirm "
                   "that it dropped it, too.",
                   "{who} can remove the app there under Settings, Business integrations.",
                   "Connect again"),
        TokenState("disconnected", "neutral", "Disconnected", Owner.NOBODY,
                   "The access was erased here; figures and history stay.", "Nothing to do.",
                   "Connect again"),
    )
}  # fmt: skip

_BY_TROUBLE = {
    _T.APP_REMOVED: "app_removed",
    _T.PASSWORD_CHANGED: "password_changed",
    _T.SIGNED_OUT: "signed_out",
    _T.CHECKPOINT: "checkpoint",
    _T.ROLE_LOST: "role_lost",
    _T.DATA_ACCESS: "data_access_ended",
    _T.WRONG_PERSON: "wrong_person",
    _T.UNDECRYPTABLE: "undecryptable",
    _T.APP_SETTINGS: "app_settings",
    _T.APP_OFF: "app_off",
    _T.VERSION: "version_ended",
}
# These say nothing about the consent: the grant stays usable and is tried again.
_NOT_THE_GRANT = (_T.UNDECRYPTABLE, _T.APP_SETTINGS, _T.APP_OFF, _T.VERSION)


def state_of(integration: Integration, now: datetime | None = None) -> TokenState:
    """The state of the grant at this moment."""
    return STATES[_code(integration, now or timezone.now())]


def _code(integration: Integration, now: datetime) -> str:
    if integration.status == _S.DISCONNECTED:
        if not integration.is_held_by_meta:
            return "disconnected"
        return "withdrawing" if integration.is_being_withdrawn else "left_at_meta"
    if integration.status not in Integration.USABLE:
        if integration.status == _S.EXPIRED:
            return "expired"
        if integration.trouble in _BY_TROUBLE:
            return _BY_TROUBLE[_T(integration.trouble)]
        return "app_removed" if integration.status == _S.REVOKED else "refused"
    ends, data_ends = integration.token_expires_at, integration.data_access_expires_at
    if ends is not None and ends <= now:
        return "expired"
    if data_ends is not None and data_ends <= now:
        return "data_access_ended"
    if integration.trouble in _NOT_THE_GRANT:
        return _BY_TROUBLE[_T(integration.trouble)]
    if integration.trouble == _T.UNREACHABLE and _lasts(integration, now):
        return "meta_down"
    return _clocks(integration, ends, data_ends, now) or _scopes(integration) or _fine(ends)


def _lasts(integration: Integration, now: datetime) -> bool:
    since = integration.trouble_since
    return since is not None and since <= now - PATIENCE


def _clocks(
    integration: Integration, ends: datetime | None, data_ends: datetime | None, now: datetime
) -> str:
    """Which clock runs out first, if one does within a week."""
    due = [
        (moment, code)
        for moment, code in ((ends, "token"), (data_ends, "data_access_soon"))
        if moment is not None and moment <= now + SOON
    ]
    if not due:
        return ""
    code = min(due)[1]
    if code != "token":
        return code
    return "not_extended" if integration.trouble == _T.NOT_EXTENDED else "ends_soon"


def _scopes(integration: Integration) -> str:
    granted = set(integration.granted_scopes)
    if not granted & READING:
        return "cannot_read"
    if not granted >= WRITING:
        return "cannot_write"
    return "in_part" if integration.missing_scope_names else ""


def _fine(ends: datetime | None) -> str:
    return "working" if ends is not None else "endless"
