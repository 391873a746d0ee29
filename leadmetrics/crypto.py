"""Encryption at rest: AES-256-GCM, bound to the row it belongs to, with the key's id in front.

A sealed text only opens in its own place (table, column, tenant, row), so copying a ciphertext to
another row yields an error, never another tenant's token.
"""

from __future__ import annotations

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from leadmetrics.errors import LeadmetricsError

_FORMAT = "v1"


class CannotDecrypt(LeadmetricsError):
    """The stored text was not sealed here, or its key is gone. It says nothing about expiry."""

    code = "cannot_decrypt"
    user_message = (
        "The stored access cannot be decrypted with this installation's keys. "
        "An operator must restore ENCRYPTION_KEYS, or an admin must reconnect."
    )


def seal(plaintext: str, *, place: str) -> str:
    """``v1.<key id>.<base64 of nonce and ciphertext>``; ``place`` names table, column and row."""
    key_id, key = next(iter(settings.ENCRYPTION_KEYS.items()))
    nonce = os.urandom(12)
    data = AESGCM(key).encrypt(nonce, plaintext.encode(), _bind(place, key_id))
    return f"{_FORMAT}.{key_id}.{base64.b64encode(nonce + data).decode()}"


def current_prefix() -> str:
    """What every text begins with that the first key sealed."""
    return f"{_FORMAT}.{next(iter(settings.ENCRYPTION_KEYS))}."


def is_sealed(text: str) -> bool:
    """Whether the text has the form of what ``seal`` makes; it need not open."""
    return text.count(".") == 2 and text.startswith(f"{_FORMAT}.")


def unseal(sealed: str, *, place: str) -> str:
    """The plaintext. Raises CannotDecrypt when it was sealed elsewhere or its key is missing."""
    try:
        version, key_id, encoded = sealed.split(".")
        raw = base64.b64decode(encoded, validate=True)
        key = settings.ENCRYPTION_KEYS[key_id]
        if version != _FORMAT:
            raise ValueError
        return AESGCM(key).decrypt(raw[:12], raw[12:], _bind(place, key_id)).decode()
    except (ValueError, KeyError, InvalidTag):
        raise CannotDecrypt from None


def _bind(place: str, key_id: str) -> bytes:
    return f"leadmetrics|{_FORMAT}|{key_id}|{place}".encode()
