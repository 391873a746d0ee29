"""A change of words is a difference; another way to write the same words is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.comparison import differences, in_words, normal_text

APPROVED = {"primary_text": "Pack light ❤", "headline": "Tents", "link": "https://a.example/"}


def compare(**found: str) -> list[str]:
    parts = differences(
        APPROVED, {**APPROVED, **found}, image_hash="a", found_image_hash=found.get("image", "a")
    )
    return [part["field"] for part in parts]


@pytest.mark.parametrize("text", ["Pack  light ❤", " Pack light ❤\ufe0f", "Pack\u00a0light ❤\n"])
def test_the_same_words_are_equal(text):
    assert compare(primary_text=text) == []


@pytest.mark.parametrize(
    "text", ["Pack light", "pack light ❤", "Pack light ❤!", "Pack light ♥", ""]
)
def test_other_words_are_not(text):
    assert compare(primary_text=text) == ["primary_text"]


def test_a_link_is_compared_to_the_letter():
    assert compare(link="https://a.example/ ") == ["link"]


def test_another_picture_and_an_enhancement_that_is_on_are_differences():
    parts = differences(
        APPROVED, APPROVED, image_hash="a", found_image_hash="b", enrolled=("text_generation",)
    )
    assert in_words(parts) == "the picture and Meta's enhancements"


@given(st.text(max_size=60))
def test_making_a_text_normal_twice_changes_nothing_more(text):
    assert normal_text(normal_text(text)) == normal_text(text)
