"""From status, headers and bytes to JSON, or to the one MetaError that says what went wrong."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from integrations.meta_ads.error_table import OUTCOME_UNKNOWN_CODES, UNLISTED, Row, look_up
from integrations.meta_ads.errors import ErrorKind, MetaError, MetaTokenError, Unreadable
from integrations.meta_ads.parse import Json
from integrations.meta_ads.usage import read_usage

logger = logging.getLogger(__name__)

_TRACE_ID = re.compile(r"[A-Za-z0-9_\-]{1,64}")
_RETRY_AFTER = re.compile(r"\d{1,6}")
# Graph API, Handling Errors: error_data.blame_field_specs names the parameters at fault.
_FIELD_WORDS = {
    "message": "the primary text",
    "description": "the description",
    "link": "the link",
    "image_hash": "the image",
    "picture": "the image",
    "call_to_action": "the button",
    "page_id": "the Page",
    "instagram_user_id": "the Instagram account",
    "adset_id": "the ad set",
    "url_tags": "the URL tags",
}


def read_answer(
    status: int, headers: Mapping[str, str], body: bytes | bytearray, *, is_write: bool
) -> Json:
    """The JSON object of a good answer. Raises MetaError for everything else.

    An object with ``error`` is a failure whatever the status (Graph API, Handling Errors). Of a
    write, whatever is not a readable error of Meta's leaves the outcome unknown, and so does every
    5xx.
    """
    answer = _read_json(body)
    if not isinstance(answer, dict):
        answer = {"error": None}
    if isinstance(answer.get("error"), dict):
        raise _failure(status, headers, answer["error"], is_write=is_write)
    if status == 401:
        raise MetaTokenError(ErrorKind.RECONNECT, outcome_unknown=is_write)
    if status == 429 or status >= 500:
        raise MetaError(
            ErrorKind.TRANSIENT, outcome_unknown=is_write, wait_seconds=_retry_after(headers)
        )
    if "error" in answer or answer.get("success") is False or not 200 <= status < 300:
        raise Unreadable(outcome_unknown=is_write)
    return answer


def _failure(
    status: int, headers: Mapping[str, str], error: Mapping[str, Any], *, is_write: bool
) -> MetaError:
    code, subcode = _number(error.get("code")), _number(error.get("error_subcode"))
    row = UNLISTED
    if code is not None:
        row = look_up(
            code,
            subcode,
            message=_text(error.get("message")),
            error_type=_text(error.get("type")),
        )
    trace = _text(error.get("fbtrace_id"))
    trace = trace if _TRACE_ID.fullmatch(trace) else ""
    logger.info("Meta error %s/%s, HTTP %s, trace %s", code, subcode, status, trace)
    unlisted = row is UNLISTED
    kind = _kind_by_status(status, code) if unlisted else row.kind
    family = MetaTokenError if kind == ErrorKind.RECONNECT else MetaError
    return family(
        kind,
        code=code,
        subcode=subcode,
        fbtrace_id=trace,
        wait_seconds=_wait(row, kind, headers),
        outcome_unknown=is_write
        and (code is None or code in OUTCOME_UNKNOWN_CODES or status >= 500),
        message=_message(row, kind, error),
    )


def _kind_by_status(status: int, code: int | None) -> ErrorKind:
    """For numbers the table does not know, the status is all there is."""
    if status == 401:
        return ErrorKind.RECONNECT
    if status == 429 or status >= 500:
        return ErrorKind.TRANSIENT
    return ErrorKind.UNREADABLE if code is None else ErrorKind.BAD_REQUEST


def _wait(row: Row, kind: ErrorKind, headers: Mapping[str, str]) -> float | None:
    if kind != ErrorKind.THROTTLED:
        return _retry_after(headers) if kind == ErrorKind.TRANSIENT else None
    usage = read_usage(headers)
    return usage.wait_seconds if usage and usage.wait_seconds else row.wait


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("retry-after", "")
    return float(value) if _RETRY_AFTER.fullmatch(value) else None


def _message(row: Row, kind: ErrorKind, error: Mapping[str, Any]) -> str:
    """Our sentence for the row; for refused content with the fields that Meta blames."""
    if row.message or kind != ErrorKind.BAD_REQUEST:
        return row.message
    blamed = [word for path in _blamed_paths(error) if (word := _field_word(path))]
    if not blamed:
        return ""
    return f"Meta refused this ad because of {_listed(blamed)}. It must be changed."


def _blamed_paths(error: Mapping[str, Any]) -> list[list[Any]]:
    data = error.get("error_data")
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except (ValueError, RecursionError):
            return []
    specs = data.get("blame_field_specs") if isinstance(data, dict) else None
    return [path for path in specs if isinstance(path, list)] if isinstance(specs, list) else []


def _field_word(path: list[Any]) -> str:
    """The most precise part of the path that a person knows."""
    words = [part for part in path if isinstance(part, str)]
    if words[-2:] == ["link_data", "name"]:
        return "the headline"
    return next((_FIELD_WORDS[part] for part in reversed(words) if part in _FIELD_WORDS), "")


def _listed(words: list[str]) -> str:
    unique = list(dict.fromkeys(words))
    return unique[0] if len(unique) == 1 else f"{', '.join(unique[:-1])} and {unique[-1]}"


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _read_json(body: bytes | bytearray) -> Any:
    """What the JSON says, numbers with a fraction as Decimal; None when it cannot be read."""
    try:
        return _decoder.decode(body)
    except (ValueError, RecursionError):
        pass
    # Half an emoji, where Meta cut a name: only the standard library reads that.
    try:
        return json.loads(body, parse_float=_decimal, parse_constant=_decimal)
    except (ValueError, RecursionError):
        return None


def _decimal(text: str) -> Decimal:
    """A number with a fraction or an exponent. NaN, Infinity and absurd exponents are refused."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("not a number") from None
    if not number.is_finite():
        raise ValueError("not a finite number")
    return number


_decoder = msgspec.json.Decoder(float_hook=_decimal)
