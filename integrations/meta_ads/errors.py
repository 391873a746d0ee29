"""The family of errors a call to Meta can end in, and what each says to a person."""

from __future__ import annotations

from enum import StrEnum

from leadmetrics.errors import LeadmetricsError


class ErrorKind(StrEnum):
    """What helps next."""

    TRANSIENT = "meta_unavailable"
    THROTTLED = "meta_throttled"
    TOO_MUCH_DATA = "too_much_data"
    RECONNECT = "needs_reconnect"
    PERMISSION = "permission_missing"
    BAD_REQUEST = "refused_by_meta"
    VERSION = "api_version_expired"
    CONFIGURATION = "app_misconfigured"
    HUMAN = "needs_someone"
    UNREADABLE = "unreadable_answer"


K = ErrorKind

USER_MESSAGES = {
    K.TRANSIENT: "Meta did not answer properly. It is tried again by itself; you need do nothing.",
    K.THROTTLED: "Meta asks us to wait before the next call. It goes on by itself.",
    K.TOO_MUCH_DATA: "Meta found the request too large. It is tried again in smaller parts.",
    K.RECONNECT: "Facebook no longer accepts this connection. An admin must reconnect it.",
    K.PERMISSION: "The connected person may not do this. An admin of the ad account or Page must "
    "give access, or an admin here must reconnect with all permissions.",
    K.BAD_REQUEST: "Meta refused the content or a setting of this ad. It must be changed.",
    K.VERSION: "This version of Meta's API has ended. An operator must set META_API_VERSION.",
    K.CONFIGURATION: "Meta does not accept this installation's app settings. An operator must "
    "check META_APP_ID and META_APP_SECRET.",
    K.HUMAN: "Meta has stopped this action for now. Somebody must look in Ads Manager before it is "
    "tried again.",
    K.UNREADABLE: "Meta's answer could not be read. Nothing was taken from it.",
}

# Blocks of 60 s, 300 s and up to an hour are on record; without a figure from Meta we ask again
# after the documented block of an ad account.
THROTTLE_WAIT = 300.0


class MetaError(LeadmetricsError):
    """A call to Meta failed.

    ``outcome_unknown`` says that a write may have happened all the same. ``wait_seconds`` is how
    long to wait before the next call: always set for a throttle, else None unless Meta said.
    ``meta_code`` and ``meta_subcode`` are Meta's numbers, ``code`` is our stable name of the kind.
    Texts of Meta's and of the HTTP library are never kept, for they may hold addresses or tokens.
    """

    def __init__(
        self,
        kind: ErrorKind,
        *,
        code: int | None = None,
        subcode: int | None = None,
        outcome_unknown: bool = False,
        wait_seconds: float | None = None,
        fbtrace_id: str = "",
        message: str = "",
    ) -> None:
        self.kind = kind
        self.code = str(kind)
        self.meta_code = code
        self.meta_subcode = subcode
        self.outcome_unknown = outcome_unknown
        if wait_seconds is None and kind == ErrorKind.THROTTLED:
            wait_seconds = THROTTLE_WAIT
        self.wait_seconds = wait_seconds
        self.fbtrace_id = fbtrace_id
        super().__init__(message or USER_MESSAGES[kind])

    def __str__(self) -> str:
        return f"{self.kind} (code {self.meta_code}, subcode {self.meta_subcode})"

    __repr__ = __str__


class MetaTokenError(MetaError):
    """The token is expired, revoked or otherwise no longer accepted."""


class Unreadable(MetaError):
    """The answer is not what the reference promises: not JSON, wrong types, missing ids."""

    def __init__(self, *, outcome_unknown: bool = False) -> None:
        super().__init__(ErrorKind.UNREADABLE, outcome_unknown=outcome_unknown)
