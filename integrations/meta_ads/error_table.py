"""What Meta's numbers mean: one table, read by code and subcode, never by HTTP status.

It follows "Error Codes" (Marketing API), "Handling Errors" (Graph API), "Ads Insights API Error
Codes" and "Rate Limits". Texts decide only where Meta gives no number for the difference.
"""

from __future__ import annotations

from typing import NamedTuple

from integrations.meta_ads.errors import ErrorKind

K = ErrorKind
ANY = -1  # any subcode that has no row of its own, or none
NONE = None  # no subcode was sent

HOUR, DAY = 3600.0, 86_400.0


class Row(NamedTuple):
    """One number, or a range of codes. ``again`` is what the same error means a second time."""

    code: int | range
    subcode: int | None
    kind: ErrorKind
    message: str = ""
    wait: float | None = None
    again: ErrorKind | None = None


_CHECKPOINT = (
    "Facebook wants the connected person to confirm the account first. That person signs in at "
    "facebook.com, follows the steps there, and then an admin reconnects here."
)
_APP_REACH = (
    "Meta does not let this installation's app do this. An operator must get the app the access "
    "level it needs in Meta's App Dashboard."
)
_ROLE_LOST = (
    "The connected person no longer has a role on the Page. An admin of the Page must give it "
    "back, then an admin here reconnects."
)
_NOT_VISIBLE = (
    "Meta shows no such object to the connected person: access may be missing, or it is gone. "
    "Check the access in Meta Business settings."
)
_IDENTITY = "The ad account may not use this Instagram account. An admin must connect them in Meta."
_DEV_MODE = (
    "Meta allows ads only from apps that are live. An operator must switch this installation's "
    "app to live mode in Meta's App Dashboard."
)
_REJECTED = "Meta rejected this ad and closed it for good. Look in Ads Manager, then make a new ad."
_QUOTA_CUT = (
    "Meta has cut this app's call limit because of unusual use. Nothing is sent for now; an "
    "operator must look at the App Dashboard."
)

TABLE: tuple[Row, ...] = (
    # Unwell, or too heavy a question
    Row(1, ANY, K.TRANSIENT),
    Row(1, 99, K.TRANSIENT, again=K.BAD_REQUEST),
    Row(2, ANY, K.TRANSIENT),
    Row(2, 1504018, K.TOO_MUCH_DATA),
    Row(2, 1504038, K.TOO_MUCH_DATA),
    Row(100, 1504018, K.TOO_MUCH_DATA),
    Row(2, 1504041, K.BAD_REQUEST),
    Row(2, 1504042, K.BAD_REQUEST),
    Row(2, 1504043, K.TRANSIENT),
    Row(2, 1504044, K.TRANSIENT, again=K.HUMAN),
    Row(-2, 2490547, K.TRANSIENT),
    Row(-3, 1504045, K.TOO_MUCH_DATA),
    Row(99, ANY, K.TRANSIENT),
    Row(100, 1487390, K.TRANSIENT),
    Row(100, 1487534, K.TOO_MUCH_DATA),
    Row(960, ANY, K.TRANSIENT),
    Row(1150, ANY, K.TRANSIENT),
    Row(5000, ANY, K.TRANSIENT),
    Row(3910001, ANY, K.TRANSIENT),
    # Limits
    Row(4, ANY, K.THROTTLED),
    Row(4, 1504022, K.THROTTLED),
    Row(4, 1504039, K.THROTTLED),
    Row(17, ANY, K.THROTTLED),
    Row(17, 2446079, K.THROTTLED),
    Row(17, 1885172, K.THROTTLED, "The ad account's spend limit was changed 10 times today.", DAY),
    Row(32, ANY, K.THROTTLED),
    Row(341, ANY, K.THROTTLED),
    Row(613, NONE, K.HUMAN, _QUOTA_CUT),
    Row(613, 1996, K.HUMAN, _QUOTA_CUT),
    Row(613, ANY, K.THROTTLED),
    Row(613, 1487742, K.THROTTLED),
    Row(613, 5044001, K.THROTTLED, wait=2.0),
    Row(613, 1487632, K.THROTTLED, wait=HOUR),
    Row(
        613,
        1487225,
        K.THROTTLED,
        "The ad account has reached the number of ads that its daily spend limit allows. It goes "
        "on when Meta allows more; raising the limit in Ads Manager helps at once.",
        HOUR,
    ),
    Row(range(80000, 80010), ANY, K.THROTTLED),
    Row(80014, ANY, K.THROTTLED),
    # The grant
    Row(102, ANY, K.RECONNECT),
    Row(190, ANY, K.RECONNECT),
    Row(190, 458, K.RECONNECT, "The app was removed at Facebook. An admin must connect it again."),
    Row(190, 459, K.RECONNECT, _CHECKPOINT),
    Row(190, 460, K.RECONNECT, "The Facebook password was changed. An admin must reconnect."),
    Row(190, 463, K.RECONNECT, "The Facebook connection has expired. An admin must reconnect it."),
    Row(190, 464, K.RECONNECT, _CHECKPOINT),
    Row(190, 467, K.RECONNECT),
    Row(190, 492, K.RECONNECT, _ROLE_LOST),
    Row(190, 493, K.RECONNECT, "The Facebook connection was not used for 90 days. Reconnect it."),
    # Rights
    Row(3, ANY, K.PERMISSION, _APP_REACH),
    Row(10, ANY, K.PERMISSION),
    Row(100, 33, K.PERMISSION, _NOT_VISIBLE),
    Row(100, 3191001, K.PERMISSION),
    Row(range(200, 300), ANY, K.PERMISSION),
    Row(
        200,
        1870034,
        K.PERMISSION,
        "The terms for custom audiences are not accepted for this ad account. Somebody with access "
        "must accept them in Ads Manager.",
    ),
    Row(270, ANY, K.PERMISSION, _APP_REACH),
    Row(294, ANY, K.PERMISSION),
    Row(2654, 1713092, K.PERMISSION),
    Row(1815199, ANY, K.PERMISSION, _IDENTITY),
    Row(1815694, ANY, K.PERMISSION),
    Row(2708008, ANY, K.PERMISSION),
    # This installation
    Row(101, ANY, K.CONFIGURATION),
    Row(104, ANY, K.CONFIGURATION),
    Row(1885183, ANY, K.CONFIGURATION, _DEV_MODE),
    Row(2635, ANY, K.VERSION),
    # Somebody must look
    Row(368, ANY, K.HUMAN),
    Row(1404078, ANY, K.HUMAN),
    Row(1404163, ANY, K.HUMAN),
    Row(2490427, ANY, K.HUMAN, _REJECTED),
    Row(2490468, ANY, K.HUMAN, _REJECTED),
    Row(2859015, ANY, K.HUMAN),
    # The request or the content
    Row(100, ANY, K.BAD_REQUEST),
    Row(100, 1487694, K.BAD_REQUEST),
    Row(100, 3858258, K.BAD_REQUEST),
    Row(
        100,
        36009,
        K.BAD_REQUEST,
        "This sign-in at Facebook was used already; it works only once. Start connecting again.",
    ),
    Row(105, ANY, K.BAD_REQUEST),
    Row(194, ANY, K.BAD_REQUEST),
    Row(
        500, ANY, K.BAD_REQUEST, "Meta does not allow a word or claim in this ad. Change the text."
    ),
    Row(506, ANY, K.BAD_REQUEST, "Meta has this post already. Change the text or use that ad."),
    Row(2500, ANY, K.BAD_REQUEST),
    Row(2606, ANY, K.BAD_REQUEST),
    Row(3018, ANY, K.BAD_REQUEST, "Meta keeps figures for 37 months. Choose a later first day."),
    Row(range(1340029, 1404164), ANY, K.BAD_REQUEST),
    Row(1487007, ANY, K.BAD_REQUEST, "The ad set has ended. Choose another one or move its end."),
    Row(1487033, ANY, K.BAD_REQUEST, "The ad set's end lies in the past. Move it in Ads Manager."),
    Row(1487056, ANY, K.BAD_REQUEST, "The ad set was deleted at Meta. Choose another one."),
    Row(1487566, ANY, K.BAD_REQUEST, "The campaign was deleted at Meta. Choose another ad set."),
    Row(1487472, ANY, K.BAD_REQUEST),
    Row(1487901, ANY, K.BAD_REQUEST, "The ad set's budget is too low. Raise it in Ads Manager."),
    Row(1487929, ANY, K.BAD_REQUEST),
    Row(1487990, ANY, K.BAD_REQUEST, "Too many ads are archived. Delete some in Ads Manager."),
    Row(1772103, ANY, K.BAD_REQUEST, "An Instagram account is missing. Choose one in the target."),
    Row(1815629, ANY, K.BAD_REQUEST),
    Row(1815869, ANY, K.BAD_REQUEST),
    Row(range(1870047, 1870200), ANY, K.BAD_REQUEST),
    Row(1885029, ANY, K.BAD_REQUEST, "The ad set belongs to another Page. Choose another target."),
    Row(1885088, ANY, K.BAD_REQUEST),
    Row(1885272, ANY, K.BAD_REQUEST, "The budget is too low. Raise it in Ads Manager."),
    Row(1885557, ANY, K.BAD_REQUEST),
    Row(1885621, ANY, K.BAD_REQUEST),
    Row(1885650, ANY, K.BAD_REQUEST),
    Row(2061015, ANY, K.BAD_REQUEST),
    Row(2238055, ANY, K.BAD_REQUEST),
    Row(2446149, ANY, K.BAD_REQUEST),
    Row(2446173, ANY, K.BAD_REQUEST),
    Row(2446289, ANY, K.BAD_REQUEST),
    Row(2446347, ANY, K.BAD_REQUEST),
    Row(2446383, ANY, K.BAD_REQUEST, "The campaign's goal needs a button with a website link."),
    Row(2446394, ANY, K.BAD_REQUEST),
    Row(2446509, ANY, K.BAD_REQUEST),
    Row(2490155, ANY, K.BAD_REQUEST),
    Row(3858082, ANY, K.BAD_REQUEST),
    Row(
        3858152,
        ANY,
        K.BAD_REQUEST,
        "The ad set reaches people in the EU but names no beneficiary and payer. Add both in Ads "
        "Manager.",
    ),
)
UNLISTED = Row(0, ANY, K.BAD_REQUEST)
TOO_HEAVY = Row(1, NONE, K.TOO_MUCH_DATA)
WRONG_PROOF = Row(100, NONE, K.CONFIGURATION)
WRONG_SECRET = Row(1, NONE, K.CONFIGURATION)

# Codes after which a write may have taken effect all the same: Meta itself does not know.
OUTCOME_UNKNOWN_CODES = frozenset({1, 2, 1150, 5000})

_LONG = 1_000_000


def _long_number(row: Row) -> int | None:
    for number in (row.subcode, row.code):
        if isinstance(number, int) and number >= _LONG:
            return number
    return None


_PAIRS = {(row.code, row.subcode): row for row in TABLE if isinstance(row.code, int)}
# Long numbers come as the code or as the subcode of another code; both forms are documented.
_LONG_ROWS = {number: row for row in TABLE if (number := _long_number(row)) is not None}
_RANGES = tuple((row.code, row) for row in TABLE if isinstance(row.code, range))


def look_up(
    code: int, subcode: int | None = None, *, message: str = "", error_type: str = ""
) -> Row:
    """The row of the table for an error; ``UNLISTED`` for a number that is not in it."""
    if code == 1 and "reduce the amount of data" in message.lower():
        return TOO_HEAVY
    if code == 1 and "validating client secret" in message.lower():
        return WRONG_SECRET
    if code == 100 and subcode is None and error_type == "GraphMethodException":
        return WRONG_PROOF  # a wrong or missing appsecret_proof has no subcode
    for row in (_PAIRS.get((code, subcode)), _long_row(subcode), _long_row(code)):
        if row is not None:
            return row
    return _PAIRS.get((code, ANY)) or _ranged(code) or UNLISTED


def _long_row(number: int | None) -> Row | None:
    if number is None or number < _LONG:
        return None
    return _LONG_ROWS.get(number) or _ranged(number)


def _ranged(code: int) -> Row | None:
    return next((row for codes, row in _RANGES if code in codes), None)
