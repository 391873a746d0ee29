"""Secrets of an embedded installation: made once, kept in a file only its owner can read."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path


def load_or_make_secrets(path: Path) -> Mapping[str, str]:
    """SECRET_KEY and ENCRYPTION_KEYS from the file, which is made with mode 600 if it is missing.

    Two processes that start together agree: the file appears whole or not at all, and only once.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _make_once(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _make_once(path: Path) -> None:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(
        f"SECRET_KEY={secrets.token_urlsafe(50)}\nENCRYPTION_KEYS=k1:{key}\n", encoding="utf-8"
    )
    try:
        os.link(draft, path)  # fails if another process was first, whose secrets then count
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def parse_encryption_keys(text: str) -> Mapping[str, bytes]:
    """``id:base64,id:base64`` as an ordered mapping; the first one encrypts, all decrypt.

    Raises ValueError, without echoing a key, when an entry is not an id and 32 bytes of base64.
    """
    keys: dict[str, bytes] = {}
    for number, entry in enumerate(text.split(","), start=1):
        key_id, _, encoded = entry.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if not key_id.isalnum() or len(key) != 32:
            raise ValueError(f"entry {number} must look like k1:<32 bytes in base64>.")
        if key_id in keys:
            raise ValueError(f"the id {key_id} appears twice.")
        keys[key_id] = key
    return keys
