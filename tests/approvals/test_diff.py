"""Word by word, in any script: both texts can be read back from the pieces."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.diff import Kind, Segment, diff_copy, diff_words
from tests.approvals.conftest import COPY


def pieces(before: str, after: str) -> list[tuple[str, str]]:
    return [(segment.kind.value, segment.text) for segment in diff_words(before, after)]


def side(segments: tuple[Segment, ...], kind: Kind) -> str:
    return "".join(segment.text for segment in segments if segment.kind in (Kind.SAME, kind))


@given(st.text(max_size=60), st.text(max_size=60))
def test_diff_words_holds_both_texts(before, after):
    segments = diff_words(before, after)
    assert side(segments, Kind.REMOVED) == before
    assert side(segments, Kind.ADDED) == after


def test_diff_words_of_equal_texts_is_one_kept_piece():
    assert pieces("Walk far.", "Walk far.") == [("same", "Walk far.")]
    assert pieces("", "") == []


def test_diff_words_replaces_whole_words_only():
    assert pieces("Tents from 1.9 kg", "Tents from 2.1 kg") == [
        ("same", "Tents from "),
        ("removed", "1.9"),
        ("added", "2.1"),
        ("same", " kg"),
    ]
    assert pieces("Pack light", "Pack lightly") == [
        ("same", "Pack "),
        ("removed", "light"),
        ("added", "lightly"),
    ]


def test_diff_words_joins_neighbouring_changes():
    assert pieces("one two three four", "one 2 3 four") == [
        ("same", "one "),
        ("removed", "two three"),
        ("added", "2 3"),
        ("same", " four"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("你好世界", "你好朋友", [("same", "你好"), ("removed", "世界"), ("added", "朋友")]),
        ("مرحبا بكم", "مرحبا بك", [("same", "مرحبا "), ("removed", "بكم"), ("added", "بك")]),
        ("में लिखा", "में पढ़ा", [("same", "में "), ("removed", "लिखा"), ("added", "पढ़ा")]),
        ("אוהל קל", "אוהל כבד", [("same", "אוהל "), ("removed", "קל"), ("added", "כבד")]),
        ("軽い靴", "重い靴", [("removed", "軽"), ("added", "重"), ("same", "い靴")]),
        ("İyi çadır", "İyi çanta", [("same", "İyi "), ("removed", "çadır"), ("added", "çanta")]),
        ("go 🏴󠁧󠁢󠁳󠁣󠁴󠁿", "go 🇩🇪", [("same", "go "), ("removed", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"), ("added", "🇩🇪")]),
        ("ราคาดี", "ราคาถูก", [("same", "ราคา"), ("removed", "ดี"), ("added", "ถูก")]),
        ("Größe", "Größen", [("removed", "Größe"), ("added", "Größen")]),
        ("go 👩‍👧", "go 👩‍👦", [("same", "go "), ("removed", "👩‍👧"), ("added", "👩‍👦")]),
    ],
)
def test_diff_words_never_tears_a_character_apart(before, after, expected):
    assert pieces(before, after) == expected


def test_diff_words_shows_a_hopeless_comparison_as_a_whole():
    before, after = "a b " * 400 + "x", "b a " * 400 + "y"
    assert pieces(before, after) == [("removed", before), ("added", after)]


def test_diff_copy_names_the_fields_that_differ_in_reading_order():
    after = replace(COPY, headline="Tents for two", call_to_action="LEARN_MORE")
    changes = diff_copy(COPY, after)
    assert [change.label for change in changes] == ["Headline", "Call to action"]
    assert side(changes[1].segments, Kind.REMOVED) == "Shop now"
    assert side(changes[1].segments, Kind.ADDED) == "Learn more"


def test_diff_copy_of_equal_copies_is_empty():
    assert diff_copy(COPY, COPY) == ()
