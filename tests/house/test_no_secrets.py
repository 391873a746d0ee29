"""No secret lies in the repository, and no file that an installation keeps its secrets in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
IGNORED = [line.strip("/") for line in (ROOT / ".gitignore").read_text().split()] + [".git"]
SECRET_FILES = ("*.env", "*.pem", "*.key", "*.sqlite3", "*.p12", "demo-password", "id_rsa*")
# What the real things look like; made-up ones in tests and docs are shorter or say so.
SECRETS = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a Meta access token": r"\bEAA[A-Za-z0-9]{60,}",
    "an agent's key": r"\blm_[A-Za-z0-9_-]{43}\b",
    "a Django secret key": r"\bSECRET_KEY\s*=\s*[\"']?(?!check-only)[A-Za-z0-9_-]{40,}",
    "an encryption key": r"\bk\d+:(?!MDEyMzQ1Njc4OTAx)[A-Za-z0-9+/]{43}=",
    "a cloud access key": r"\bAKIA[A-Z0-9]{16}\b",
    "a password in an address": r"\b[a-z]+://[\w.-]+:(?!password@|secret@|…)[^\s@/:{}\"'<]{6,}@",
}
MOST_BYTES = 2_000_000


def files() -> Iterator[Path]:
    """Every file that git would take."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if path.is_file() and not any(fnmatch(part, p) for part in parts for p in IGNORED):
            yield path


def test_the_walk_sees_the_repository() -> None:
    names = {str(path.relative_to(ROOT)) for path in files()}
    assert {"Makefile", ".env.example", "leadmetrics/settings.py"} <= names
    assert not any(name.startswith((".venv/", ".git/", "var/")) for name in names)


def test_no_file_of_secrets_lies_in_the_repository() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in files()
        if any(fnmatch(path.name, pattern) for pattern in SECRET_FILES)
    ]
    assert found == []


@pytest.mark.parametrize("what", SECRETS)
def test_no_file_holds(what: str) -> None:
    # The text itself is not shown: a failing build must not print the secret.
    found = [
        f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}"
        for path in files()
        if path.stat().st_size < MOST_BYTES
        for text in [path.read_text(encoding="utf-8", errors="ignore")]
        for match in re.finditer(SECRETS[what], text)
    ]
    assert found == []
