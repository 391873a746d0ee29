"""Meta's errors, told apart by code and subcode, never by HTTP status or text.

The table follows "Error Codes" (Marketing API) and "Handling Errors" (Graph API). Seven-digit
numbers come either as the code or as the subcode of another code, so both places are looked at.
"""

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

# (code, subcode or None for any) -> kind. A row with a subcode wins over the row without.
CODES: dict[tuple[int, int | None], ErrorKind] = {
    (1, None): K.TRANSIENT,
    (1, 99): K.TRANSIENT,
    (2, None): K.TRANSIENT,
    (2, 1504018): K.TOO_MUCH_DATA,
    (2, 1504038): K.TOO_MUCH_DATA,
    (100, 1504018): K.TOO_MUCH_DATA,
    (2, 1504041): K.BAD_REQUEST,
    (2, 1504042): K.BAD_REQUEST,
    (2, 1504043): K.TRANSIENT,
    (2, 1504044): K.TRANSIENT,
    (-2, 2490547): K.TRANSIENT,
    (-3, 1504045): K.TOO_MUCH_DATA,
    (100, 1487534): K.TOO_MUCH_DATA,
    (100, 3191001): K.PERMISSION,
    (3, None): K.PERMISSION,
    (4, None): K.THROTTLED,
    (4, 1504022): K.THROTTLED,
    (4, 1504039): K.THROTTLED,
    (10, None): K.PERMISSION,
    (17, None): K.THROTTLED,
    (17, 2446079): K.THROTTLED,
    (17, 1885172): K.THROTTLED,
    (32, None): K.THROTTLED,
    (99, None): K.TRANSIENT,
    (100, None): K.BAD_REQUEST,
    (100, 33): K.PERMISSION,
    (100, 1487390): K.TRANSIENT,
    (100, 36009): K.BAD_REQUEST,
    (101, None): K.CONFIGURATION,
    (102, None): K.RECONNECT,
    (104, None): K.CONFIGURATION,
    (105, None): K.BAD_REQUEST,
    (190, None): K.RECONNECT,
    (194, None): K.BAD_REQUEST,
    (270, None): K.PERMISSION,
    (294, None): K.PERMISSION,
    (341, None): K.THROTTLED,
    (368, None): K.HUMAN,
    (500, None): K.BAD_REQUEST,
    (506, None): K.BAD_REQUEST,
    (613, None): K.THROTTLED,
    (613, 1487742): K.THROTTLED,
    (613, 5044001): K.THROTTLED,
    (613, 1487632): K.THROTTLED,
    (613, 1487225): K.THROTTLED,
    (613, 1996): K.HUMAN,
    (960, None): K.TRANSIENT,
    (1150, None): K.TRANSIENT,
    (2500, None): K.BAD_REQUEST,
    (2606, None): K.BAD_REQUEST,
    (2635, None): K.VERSION,
    (2654, 1713092): K.PERMISSION,
    (3018, None): K.BAD_REQUEST,
    (5000, None): K.TRANSIENT,
    **{(code, None): K.THROTTLED for code in (*range(80000, 80010), 80014)},
    **{(code, None): K.PERMISSION for code in range(200, 300)},
}
# Long numbers, wherever they stand.
ANYWHERE: dict[int, ErrorKind] = {
    1404078: K.HUMAN,
    1404163: K.HUMAN,
    1815199: K.PERMISSION,
    1815694: K.PERMISSION,
    1870034: K.PERMISSION,
    1885183: K.CONFIGURATION,
    2490427: K.HUMAN,
    2490468: K.HUMAN,
    2708008: K.PERMISSION,
    2859015: K.HUMAN,
    3910001: K.TRANSIENT,
}
# Codes whose write may have taken effect all the same.
OUTCOME_UNKNOWN_CODES = frozenset({1, 2})


class MetaError(LeadmetricsError):
    """A call to Meta failed. ``outcome_unknown`` says that a write may have happened.

    ``wait_seconds`` is how long Meta asks us to wait, None when it does not say.
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
    ) -> None:
        self.kind = kind
        self.code = str(kind)
        self.meta_code = code
        self.meta_subcode = subcode
        self.outcome_unknown = outcome_unknown
        self.wait_seconds = wait_seconds
        self.fbtrace_id = fbtrace_id
        super().__init__(USER_MESSAGES[kind])

    def __str__(self) -> str:
        return f"{self.kind} (code {self.meta_code}, subcode {self.meta_subcode})"


class MetaTokenError(MetaError):
    """The token is expired, revoked or otherwise no longer accepted."""


class Unreadable(MetaError):
    """The answer is not what the reference promises: not JSON, wrong types, missing ids."""

    def __init__(self, *, outcome_unknown: bool = False) -> None:
        super().__init__(ErrorKind.UNREADABLE, outcome_unknown=outcome_unknown)


def classify(code: int, subcode: int | None, message: str = "", *, type: str = "") -> ErrorKind:
    """The kind of an error. Text decides only where Meta gives no number for the difference."""
    if code == 100 and type == "GraphMethodException" and subcode is None:
        return ErrorKind.CONFIGURATION  # a wrong or missing appsecret_proof
    if code == 1 and "reduce the amount of data" in message.lower():
        return ErrorKind.TOO_MUCH_DATA
    for number in (code, subcode):
        if number in ANYWHERE:
            return ANYWHERE[number]
    exact = CODES.get((code, subcode))
    if exact is not None:
        return exact
    return CODES.get((code, None), ErrorKind.BAD_REQUEST)
