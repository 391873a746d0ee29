"""Meta's reasons in our words, and the sentence they mean."""

from __future__ import annotations

import pytest

from approvals.meta_words import marked, objected_to, refusals

COPY = "Are you overweight? Our tents are light. Walk far!"


def meant(text: str, copy: str = COPY) -> list[str]:
    feedback = [{"policy": "Personal attributes", "text": text}]
    return [part.text.strip() for part in marked(copy, feedback) if part.is_meant]


@pytest.mark.parametrize(
    "text",
    [
        'The text "Are you overweight?" asserts a personal attribute.',
        "The text “overweight” asserts a personal attribute.",
        "Your ad says: are you overweight? Do not ask this.",
        "Die Aussage „Are you  overweight“ ist nicht erlaubt.",
    ],
)
def test_the_sentence_that_meta_quotes_is_marked(text):
    assert meant(text) == ["Are you overweight?"]


@pytest.mark.parametrize("text", ["", "The ad does not follow our policy.", 'The word "a" is.'])
def test_without_a_quote_nothing_is_marked(text):
    assert meant(text) == []


def test_the_marked_copy_is_the_whole_copy():
    copy = "One.\n\nTwo! Three? … four"
    assert "".join(part.text for part in marked(copy, [])) == copy


def test_each_reason_has_our_words_and_an_unknown_policy_keeps_metas_title():
    known, unknown = refusals(
        [
            {"policy": "Unacceptable Business Practices", "text": "No."},
            {"policy": "A policy of 2027", "text": "No."},
        ]
    )
    assert "page behind the link" in known.words
    assert (unknown.policy, "compare the text" in unknown.words) == ("A policy of 2027", True)


def test_every_text_of_the_ad_is_marked_where_meta_objects_to_it():
    feedback = [{"policy": "Claims", "text": 'Your ad says "Best tent ever" without proof.'}]
    text, headline = objected_to(["Pack light.", "Best tent ever", ""], feedback)
    assert [part.is_meant for part in text] == [False]
    assert [part.is_meant for part in headline] == [True]
