"""The `fields` language: `id,name,creative{id,name},ads.limit(5){id}` or a JSON list."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from integrations.sandbox.errors import GraphError, invalid

_TOKEN = re.compile(r"[A-Za-z0-9_]+|[{},]|\.[a-z_]+\([^()]*\)")


@dataclass(frozen=True, slots=True)
class Field:
    """One asked field, its modifiers (`limit` and the like) and what is wanted inside."""

    name: str
    modifiers: tuple[tuple[str, str], ...] = ()
    inside: tuple[Field, ...] = ()


def parse_fields(text: str) -> tuple[Field, ...]:
    """The asked fields in order, without doubles. Raises 2500 for text that does not parse."""
    text = text.strip()
    if text.startswith("["):
        try:
            names = json.loads(text)
        except ValueError:
            raise invalid("Param fields must be valid JSON.", "fields") from None
        text = ",".join(str(name) for name in names)
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != re.sub(r"\s+", "", text):
        raise _syntax(text)
    parsed, rest = _parse(tokens, 0, text)
    if rest != len(tokens):
        raise _syntax(text)
    return parsed


def _parse(tokens: list[str], at: int, text: str) -> tuple[tuple[Field, ...], int]:
    found: dict[str, Field] = {}
    while at < len(tokens) and tokens[at] != "}":
        if tokens[at] == ",":
            at += 1
            continue
        name = tokens[at]
        if not name[0].isalnum() and name[0] != "_":
            raise _syntax(text)
        at += 1
        modifiers = []
        while at < len(tokens) and tokens[at].startswith("."):
            key, _, value = tokens[at][1:-1].partition("(")
            modifiers.append((key, value))
            at += 1
        inside: tuple[Field, ...] = ()
        if at < len(tokens) and tokens[at] == "{":
            inside, at = _parse(tokens, at + 1, text)
            if at >= len(tokens):
                raise _syntax(text)
            at += 1
        found[name] = Field(name, tuple(modifiers), inside)
    return tuple(found.values()), at


def _syntax(text: str) -> GraphError:
    return GraphError(2500, f"Syntax error in fields: {text[:80]!r}")
