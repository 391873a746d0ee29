"""Every line of Meta's error tables means what we say it means."""

from __future__ import annotations

import pytest

from integrations.meta_ads.error_table import TABLE, UNLISTED, look_up
from integrations.meta_ads.errors import USER_MESSAGES, ErrorKind, MetaError

K = ErrorKind
NO = None

# Code, subcode as they arrive, and the kind; one line per number of the reference pages.
CASES = [
    (1, NO, K.TRANSIENT),
    (1, 99, K.TRANSIENT),
    (2, NO, K.TRANSIENT),
    (2, 1504038, K.TOO_MUCH_DATA),
    (2, 1504018, K.TOO_MUCH_DATA),
    (100, 1504018, K.TOO_MUCH_DATA),
    (2, 1504041, K.BAD_REQUEST),
    (2, 1504042, K.BAD_REQUEST),
    (2, 1504043, K.TRANSIENT),
    (2, 1504044, K.TRANSIENT),
    (-2, 2490547, K.TRANSIENT),
    (-3, 1504045, K.TOO_MUCH_DATA),
    (100, 1487534, K.TOO_MUCH_DATA),
    (100, 3191001, K.PERMISSION),
    (3, NO, K.PERMISSION),
    (4, NO, K.THROTTLED),
    (4, 1504022, K.THROTTLED),
    (4, 1504039, K.THROTTLED),
    (10, NO, K.PERMISSION),
    (17, NO, K.THROTTLED),
    (17, 2446079, K.THROTTLED),
    (17, 1885172, K.THROTTLED),
    (32, NO, K.THROTTLED),
    (99, NO, K.TRANSIENT),
    (100, NO, K.BAD_REQUEST),
    (100, 33, K.PERMISSION),
    (100, 1487390, K.TRANSIENT),
    (100, 1487694, K.BAD_REQUEST),
    (100, 3858258, K.BAD_REQUEST),
    (100, 36009, K.BAD_REQUEST),
    (101, NO, K.CONFIGURATION),
    (102, NO, K.RECONNECT),
    (104, NO, K.CONFIGURATION),
    (105, NO, K.BAD_REQUEST),
    (190, NO, K.RECONNECT),
    (190, 458, K.RECONNECT),
    (190, 459, K.RECONNECT),
    (190, 460, K.RECONNECT),
    (190, 463, K.RECONNECT),
    (190, 464, K.RECONNECT),
    (190, 467, K.RECONNECT),
    (190, 492, K.RECONNECT),
    (190, 493, K.RECONNECT),
    (194, NO, K.BAD_REQUEST),
    (200, NO, K.PERMISSION),
    (275, NO, K.PERMISSION),
    (299, NO, K.PERMISSION),
    (200, 1870034, K.PERMISSION),
    (270, NO, K.PERMISSION),
    (294, NO, K.PERMISSION),
    (341, NO, K.THROTTLED),
    (368, NO, K.HUMAN),
    (500, NO, K.BAD_REQUEST),
    (506, NO, K.BAD_REQUEST),
    (613, 1487742, K.THROTTLED),
    (613, 5044001, K.THROTTLED),
    (613, 1487632, K.THROTTLED),
    (613, 1487225, K.THROTTLED),
    (613, 1996, K.HUMAN),
    (613, 77, K.THROTTLED),
    (613, NO, K.HUMAN),
    (960, NO, K.TRANSIENT),
    (1150, NO, K.TRANSIENT),
    (5000, NO, K.TRANSIENT),
    (2500, NO, K.BAD_REQUEST),
    (2606, NO, K.BAD_REQUEST),
    (2635, NO, K.VERSION),
    (2654, 1713092, K.PERMISSION),
    (3018, NO, K.BAD_REQUEST),
    *((code, NO, K.THROTTLED) for code in range(80000, 80010)),
    (80014, NO, K.THROTTLED),
    (1340029, NO, K.BAD_REQUEST),
    (1373054, NO, K.BAD_REQUEST),
    (1404078, NO, K.HUMAN),
    (1404163, NO, K.HUMAN),
    (1487007, NO, K.BAD_REQUEST),
    (1487033, NO, K.BAD_REQUEST),
    (1487056, NO, K.BAD_REQUEST),
    (1487566, NO, K.BAD_REQUEST),
    (1487472, NO, K.BAD_REQUEST),
    (1487901, NO, K.BAD_REQUEST),
    (1487929, NO, K.BAD_REQUEST),
    (1487990, NO, K.BAD_REQUEST),
    (1772103, NO, K.BAD_REQUEST),
    (1815199, NO, K.PERMISSION),
    (1815629, NO, K.BAD_REQUEST),
    (1815694, NO, K.PERMISSION),
    (1815869, NO, K.BAD_REQUEST),
    (1870047, NO, K.BAD_REQUEST),
    (1870199, NO, K.BAD_REQUEST),
    (1885029, NO, K.BAD_REQUEST),
    (1885088, NO, K.BAD_REQUEST),
    (1885183, NO, K.CONFIGURATION),
    (1885272, NO, K.BAD_REQUEST),
    (1885650, NO, K.BAD_REQUEST),
    (1885621, NO, K.BAD_REQUEST),
    (1885557, NO, K.BAD_REQUEST),
    (2061015, NO, K.BAD_REQUEST),
    (2446149, NO, K.BAD_REQUEST),
    (2238055, NO, K.BAD_REQUEST),
    (2446289, NO, K.BAD_REQUEST),
    (2490155, NO, K.BAD_REQUEST),
    (2446347, NO, K.BAD_REQUEST),
    (2446173, NO, K.BAD_REQUEST),
    (2446383, NO, K.BAD_REQUEST),
    (2446394, NO, K.BAD_REQUEST),
    (2446509, NO, K.BAD_REQUEST),
    (2490427, NO, K.HUMAN),
    (2490468, NO, K.HUMAN),
    (2708008, NO, K.PERMISSION),
    (2859015, NO, K.HUMAN),
    (3858082, NO, K.BAD_REQUEST),
    (3858152, NO, K.BAD_REQUEST),
    (3910001, NO, K.TRANSIENT),
]
LONG = [(code, kind) for code, _subcode, kind in CASES if code >= 1_000_000] + [
    (subcode, kind) for _code, subcode, kind in CASES if subcode and subcode >= 1_000_000
]


@pytest.mark.parametrize(("code", "subcode", "kind"), CASES)
def test_error_means_what_the_reference_says(code, subcode, kind):
    row = look_up(code, subcode)
    assert row.kind == kind
    assert row is not UNLISTED


def test_every_row_of_the_table_has_a_case_here():
    met = {id(look_up(code, subcode)) for code, subcode, _kind in CASES}
    assert [row for row in TABLE if id(row) not in met] == []


@pytest.mark.parametrize(("number", "kind"), LONG)
def test_long_number_counts_as_code_and_as_subcode_of_another_code(number, kind):
    assert look_up(number).kind == look_up(100, number).kind == kind


@pytest.mark.parametrize(
    ("code", "subcode", "kind"),
    [(190, 1, K.RECONNECT), (10, 5, K.PERMISSION), (4, -1, K.THROTTLED)],
)
def test_unknown_subcode_leaves_the_code_to_decide(code, subcode, kind):
    assert look_up(code, subcode).kind == kind


def test_unknown_number_is_a_refusal_that_is_never_retried():
    assert look_up(424242) is UNLISTED
    assert UNLISTED.kind == K.BAD_REQUEST


def test_wrong_proof_is_a_matter_of_configuration_not_of_reconnecting():
    assert look_up(100, error_type="GraphMethodException").kind == K.CONFIGURATION
    assert look_up(100, 33, error_type="GraphMethodException").kind == K.PERMISSION


def test_code_1_is_told_apart_by_the_two_texts_meta_gives_no_number_for():
    heavy = "Please reduce the amount of data you're asking for, then retry your request"
    assert look_up(1, message=heavy).kind == K.TOO_MUCH_DATA
    assert look_up(1, message="Error validating client secret.").kind == K.CONFIGURATION


@pytest.mark.parametrize("row", TABLE)
def test_message_of_a_row_fits_where_it_is_stored(row):
    assert len(MetaError(row.kind, message=row.message).user_message) <= 300


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_kind_has_words_for_people(kind):
    assert USER_MESSAGES[kind].endswith(".")
    assert len(kind.value) <= 40


def test_throttle_always_says_how_long_to_wait():
    assert MetaError(K.THROTTLED).wait_seconds == 300
    assert MetaError(K.THROTTLED, wait_seconds=17.0).wait_seconds == 17
    assert MetaError(K.BAD_REQUEST).wait_seconds is None
