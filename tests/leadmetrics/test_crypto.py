from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadmetrics.crypto import CannotDecrypt, seal, unseal

HERE, ELSEWHERE = "integration.api_key|1|row-1", "integration.api_key|1|row-2"


@pytest.fixture(autouse=True)
def keys(settings: Any) -> dict[str, bytes]:
    settings.ENCRYPTION_KEYS = {"k1": bytes(32)}
    return dict(settings.ENCRYPTION_KEYS)


@given(text=st.text(max_size=300))
def test_what_was_sealed_opens_in_its_own_place(text: str) -> None:
    assert unseal(seal(text, place=HERE), place=HERE) == text


def test_sealed_text_names_its_key_and_hides_its_content() -> None:
    sealed = seal("EAAExampleToken", place=HERE)
    assert sealed.startswith("v1.k1.")
    assert "EAAExampleToken" not in sealed
    assert b"EAAExampleToken" not in base64.b64decode(sealed.split(".")[2])


def test_same_text_is_sealed_differently_each_time() -> None:
    assert seal("same", place=HERE) != seal("same", place=HERE)


def test_text_copied_to_another_row_does_not_open() -> None:
    with pytest.raises(CannotDecrypt):
        unseal(seal("token", place=HERE), place=ELSEWHERE)


def test_every_single_altered_byte_is_noticed() -> None:
    head, raw = _parts(seal("token", place=HERE))
    for position in range(len(raw)):
        altered = bytearray(raw)
        altered[position] ^= 1
        with pytest.raises(CannotDecrypt):
            unseal(_join(head, bytes(altered)), place=HERE)


def test_every_cut_is_noticed() -> None:
    head, raw = _parts(seal("token", place=HERE))
    for length in range(len(raw)):
        with pytest.raises(CannotDecrypt):
            unseal(_join(head, raw[:length]), place=HERE)


@pytest.mark.parametrize(
    "text", ["", "v1", "v1.k1", "v1.k1.", "v1.k1.!!!", "v1.k9.AAAA", "EAAPlainToken", "v1.k1.a.b"]
)
def test_text_that_was_never_sealed_is_refused(text: str) -> None:
    with pytest.raises(CannotDecrypt):
        unseal(text, place=HERE)


def test_other_format_is_refused() -> None:
    with pytest.raises(CannotDecrypt):
        unseal(seal("token", place=HERE).replace("v1.", "v2.", 1), place=HERE)


def test_new_first_key_seals_and_the_old_one_still_opens(settings: Any) -> None:
    old = seal("token", place=HERE)
    settings.ENCRYPTION_KEYS = {"k2": b"2" * 32, "k1": bytes(32)}
    assert unseal(old, place=HERE) == "token"
    assert seal("token", place=HERE).startswith("v1.k2.")


def test_text_of_a_key_that_is_gone_cannot_be_decrypted(settings: Any) -> None:
    old = seal("token", place=HERE)
    settings.ENCRYPTION_KEYS = {"k2": b"2" * 32}
    with pytest.raises(CannotDecrypt) as caught:
        unseal(old, place=HERE)
    assert "ENCRYPTION_KEYS" in caught.value.user_message
    assert "expired" not in caught.value.user_message


def test_key_under_another_id_does_not_open(settings: Any) -> None:
    sealed = seal("token", place=HERE)
    settings.ENCRYPTION_KEYS = {"k2": bytes(32)}
    with pytest.raises(CannotDecrypt):
        unseal(sealed.replace(".k1.", ".k2."), place=HERE)


def test_refusal_carries_no_cause_that_could_hold_the_text() -> None:
    with pytest.raises(CannotDecrypt) as caught:
        unseal("v1.k1.AAAA", place=HERE)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def _parts(sealed: str) -> tuple[str, bytes]:
    head, _, encoded = sealed.rpartition(".")
    return head, base64.b64decode(encoded)


def _join(head: str, raw: bytes) -> str:
    return f"{head}.{base64.b64encode(raw).decode()}"
