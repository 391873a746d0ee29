"""Strict reading of Graph parameters: every one known, every value of its type."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from integrations.sandbox.errors import GraphError, invalid
from integrations.sandbox.schema import ENUMS

# Accepted on every call. `pretty` and `debug` are ignored since v26.0.
GENERIC = frozenset(
    [
        "access_token",
        "appsecret_proof",
        "appsecret_time",
        "fields",
        "limit",
        "after",
        "before",
        "summary",
        "locale",
        "pretty",
        "debug",
        "format",
        "include_headers",
    ]
)
_INT = re.compile(r"-?\d{1,20}")
_LIST = re.compile(r"list(?:<(.+)>)?")
_TRUE, _FALSE = ("true", "1"), ("false", "0")


def parse_pairs(text: str) -> dict[str, str]:
    """Query or form text as a mapping; the last of several equal names counts."""
    return dict(parse_qsl(text, keep_blank_values=True))


def json_body(body: bytes) -> dict[str, str]:
    """A JSON request body as the same text mapping a form would give."""
    try:
        data = json.loads(body)
    except ValueError:
        raise invalid("The request body is not valid JSON.") from None
    if not isinstance(data, dict):
        raise invalid("The request body must be a JSON object.")
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in data.items()}


def check(raw: Mapping[str, str], allowed: Mapping[str, str]) -> dict[str, Any]:
    """The typed values of `raw`. Raises code 100 for an unknown, missing or misshapen one."""
    if "date_format" in raw:
        raise invalid("date_format is no longer supported.", "date_format")
    values: dict[str, Any] = {}
    for name, text in raw.items():
        if name in allowed:
            values[name] = convert(name, text, allowed[name].rstrip("!"))
        elif name not in GENERIC:
            raise invalid(f"The parameter {name} is not supported by this call.", name)
    for name, type_name in allowed.items():
        if type_name.endswith("!") and values.get(name) in (None, ""):
            raise invalid(f"The parameter {name} is required", name)
    return values


def convert(name: str, text: str, type_name: str) -> Any:
    """One value of the schema's type, or code 100 that blames `name`."""
    if type_name in ("string", "datetime", "file"):
        return text
    if type_name in ("int", "unsigned int"):
        return _integer(name, text, signed=type_name == "int")
    if type_name == "bool":
        return _boolean(name, text)
    if type_name in ENUMS:
        return _one_of(name, text, ENUMS[type_name])
    listed = _LIST.fullmatch(type_name)
    if listed:
        return _list(name, text, listed.group(1) or "string")
    value = _json(name, text)
    if isinstance(value, dict) or (type_name == "Object" and isinstance(value, list)):
        return value
    raise invalid(f"Param {name} must be an object.", name)


def _integer(name: str, text: str, *, signed: bool) -> int:
    if not _INT.fullmatch(text) or (text.startswith("-") and not signed):
        raise invalid(f"Param {name} must be an integer, got {text[:60]!r}.", name)
    return int(text)


def _boolean(name: str, text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise invalid(f"Param {name} must be a boolean, got {text[:60]!r}.", name)


def _one_of(name: str, text: str, choices: tuple[str, ...], place: str = "") -> str:
    if text not in choices:
        raise invalid(
            f"Param {name}{place} must be one of {{{', '.join(choices)}}} - got {text[:60]!r}.",
            name,
        )
    return text


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise invalid(f"Param {name} must be valid JSON.", name) from None


def _list(name: str, text: str, item_type: str) -> list[Any]:
    """A list sent as JSON or as comma text; scalars inside are checked as `item_type`."""
    if text.lstrip().startswith("["):
        items = _json(name, text)
    elif item_type in ("Object", "map") or item_type.startswith("map<"):
        raise invalid(f"Param {name} must be an array of objects.", name)
    else:
        items = [part.strip() for part in text.split(",") if part.strip()]
    for index, item in enumerate(items):
        if item_type in ("Object", "map"):
            if not isinstance(item, dict):
                raise invalid(f"Param {name}[{index}] must be an object.", name)
        elif isinstance(item, dict | list) and not item_type.startswith("list"):
            raise invalid(f"Param {name}[{index}] must be a {item_type}.", name)
        elif item_type in ENUMS:
            _one_of(name, str(item), ENUMS[item_type], f"[{index}]")
    return list(items)


def page_limit(raw: Mapping[str, str], most: int) -> int:
    """The page size: 25 unless told, code 1 "reduce" above `most` (fact sheet 7, 9)."""
    if not raw.get("limit"):
        return 25
    limit = _integer("limit", raw["limit"], signed=True)
    if limit < 1:
        raise invalid("Param limit must be greater than 0.", "limit")
    if limit > most:
        raise reduce_amount()
    return limit


def reduce_amount() -> GraphError:
    """The 500 that has only a code and a message."""
    return GraphError(
        1,
        "Please reduce the amount of data you're asking for, then retry your request",
        status=500,
        bare=True,
    )
