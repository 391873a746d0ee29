from __future__ import annotations

import base64
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from leadmetrics.secrets import load_or_make_secrets, parse_encryption_keys

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(32)).decode()


def test_secrets_are_made_once_and_then_read(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "secrets.env"
    made = load_or_make_secrets(path)
    assert made.keys() == {"SECRET_KEY", "ENCRYPTION_KEYS"}
    assert load_or_make_secrets(path) == made


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    load_or_make_secrets(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_made_secrets_are_long_and_differ_between_installations(tmp_path: Path) -> None:
    one, two = (load_or_make_secrets(tmp_path / name) for name in ("a", "b"))
    assert len(one["SECRET_KEY"]) >= 50
    assert one["SECRET_KEY"] != two["SECRET_KEY"]
    assert one["ENCRYPTION_KEYS"] != two["ENCRYPTION_KEYS"]
    assert [len(key) for key in parse_encryption_keys(one["ENCRYPTION_KEYS"]).values()] == [32]


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    program = "import sys; from leadmetrics.secrets import *; from pathlib import Path; "
    program += "print(load_or_make_secrets(Path(sys.argv[1]))['SECRET_KEY'])"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    found = {process.communicate()[0].strip() for process in started}
    assert found == {load_or_make_secrets(path)["SECRET_KEY"]}
    assert [entry.name for entry in tmp_path.iterdir()] == ["secrets.env"]


def test_keys_keep_their_order_because_the_first_one_encrypts() -> None:
    keys = parse_encryption_keys(f"k2:{OTHER}, k1:{KEY}")
    assert list(keys.items()) == [("k2", bytes(32)), ("k1", bytes(range(32)))]


@pytest.mark.parametrize(
    "text",
    ["", "k1", f"{KEY}", f":{KEY}", "k1:c2hvcnQ=", "k1:not base64!", f"k1:{KEY},", f"k 1:{KEY}"],
)
def test_entry_that_is_no_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match="must look like k1:<32 bytes in base64>") as caught:
        parse_encryption_keys(text)
    assert KEY not in str(caught.value)
    assert "c2hvcnQ" not in str(caught.value)


def test_same_id_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="the id k1 appears twice"):
        parse_encryption_keys(f"k1:{KEY},k1:{OTHER}")
