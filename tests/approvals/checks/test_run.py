"""The checks of one text, without anything to look up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from approvals.checks.run import CheckedCopy, Rules
from approvals.checks.run import check_copy as check_by_rules
from approvals.limits import AdCopy

GOOD = AdCopy(
    "Pack light. Walk far.",
    "Tents from 1.9 kg",
    "Free returns",
    "https://acme.example/t",
    "SHOP_NOW",
)


def check_copy(copy: AdCopy, *, strict: bool) -> CheckedCopy:
    return check_by_rules(copy, Rules(strict=strict))


def codes(copy: AdCopy, *, strict: bool = True) -> set[tuple[str, str]]:
    return {(problem.code, problem.field) for problem in check_copy(copy, strict=strict).problems}


def test_good_copy_passes_without_a_word():
    checked = check_copy(GOOD, strict=True)
    assert checked.problems == ()
    assert checked.flags == ()
    assert checked.copy == GOOD


@pytest.mark.parametrize(
    ("field", "limit"), [("primary_text", 125), ("headline", 40), ("description", 30)]
)
def test_length_is_refused_only_beyond_the_limit(field, limit):
    assert codes(replace(GOOD, **{field: "é" * limit})) == set()
    problem = check_copy(replace(GOOD, **{field: "é" * (limit + 1)}), strict=True).problems[0]
    assert (problem.code, problem.field, problem.limit, problem.found) == (
        "too_long",
        field,
        limit,
        limit + 1,
    )


def test_length_counts_after_nfc():
    decomposed = "e\u0301" * 125
    checked = check_copy(replace(GOOD, primary_text=decomposed), strict=True)
    assert checked.problems == ()
    assert checked.copy.primary_text == "é" * 125


def test_advisory_tenant_gets_a_flag_instead_of_a_refusal():
    checked = check_copy(replace(GOOD, primary_text="a" * 126), strict=False)
    assert checked.problems == ()
    assert [(flag.code, flag.limit, flag.found) for flag in checked.flags] == [
        ("longer_than_recommended", 125, 126)
    ]
    assert (checked.flags[0].start, checked.flags[0].words) == (125, "a")


def test_advisory_tenant_is_still_refused_what_cannot_be_stored():
    assert ("too_long", "headline") in codes(replace(GOOD, headline="a" * 256), strict=False)


def test_missing_texts_are_named_but_a_description_may_be_empty():
    empty = AdCopy("  ", "", "", "", "")
    assert codes(empty) == {
        ("required", "primary_text"),
        ("required", "headline"),
        ("required", "link"),
        ("required", "call_to_action"),
    }


def test_unknown_call_to_action_is_refused():
    assert codes(replace(GOOD, call_to_action="CLICK_ME")) == {
        ("unknown_call_to_action", "call_to_action")
    }


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("ftp://acme.example/", "bad_link"),
        ("javascript:alert(1)", "bad_link"),
        ("acme.example/tents", "bad_link"),
        ("https://", "bad_link"),
        ("https://acme.example:8443/", "bad_link"),
        ("https://acme.example/a b", "bad_link"),
        ("https://acme.example\\@evil.example/", "bad_link"),
        ("https://[::1", "bad_link"),
        ("https://ana:secret@acme.example/", "link_with_credentials"),
        ("https://localhost/", "link_not_public"),
        ("https://intranet/", "link_not_public"),
        ("https://10.0.0.1/", "link_not_public"),
        ("https://[::1]/", "link_not_public"),
        ("https://2130706433/", "link_not_public"),
        ("https://0x7f.0.0.1/", "link_not_public"),
        ("https://printer.local/", "link_not_public"),
        ("https://\u0430cme.example/", "mixed_scripts"),
    ],
)
def test_hostile_link_is_refused(link, code):
    assert (code, "link") in codes(replace(GOOD, link=link))


@pytest.mark.parametrize(
    "link",
    [
        "https://acme.example/a?utm_source=meta&x=1#top",
        "http://shop.acme.example",
        "https://пример.рф/",
        "https://bücher.example/regal",
    ],
)
def test_ordinary_link_passes(link):
    assert codes(replace(GOOD, link=link)) == set()


def test_link_longer_than_meta_allows_is_refused():
    assert ("too_long", "link") in codes(replace(GOOD, link="https://acme.example/" + "a" * 980))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Sale \u202e%05", "bidi_control"),
        ("Sale\u200b now", "invisible_character"),
        ("Sa\u200dle", "invisible_character"),
        ("Sale \U000e0041\U000e0042", "invisible_character"),
        ("Sale \x00", "control_character"),
        ("Sale \ue000", "control_character"),
        ("S\u0430le today", "mixed_scripts"),
        ("line\nbreak", "control_character"),
    ],
)
def test_hidden_or_deceptive_characters_are_named(text, code):
    assert (code, "headline") in codes(replace(GOOD, headline=text))


@pytest.mark.parametrize(
    "text",
    [
        "Familie 👨‍👩‍👧‍👦 unterwegs",
        "Scotland 🏴󠁧󠁢󠁳󠁣󠁴󠁿 calling",
        "خيام خفيفة للمشي",
        "می‌خواهم بروم",
        "कम वज़न, लंबी राह",
        "軽いテントで遠くまで",
        "Лёгкие палатки",
        "Ελαφριές σκηνές",
        "Naïve café – 50 % off!",
        "❤️ tents",
    ],
)
def test_true_text_in_many_scripts_passes(text):
    assert codes(replace(GOOD, primary_text=text)) == set()


def test_line_breaks_are_allowed_in_the_primary_text_and_become_unix_ones():
    checked = check_copy(replace(GOOD, primary_text="One\r\nTwo"), strict=True)
    assert checked.problems == ()
    assert checked.copy.primary_text == "One\nTwo"


def test_markup_is_text_like_any_other():
    assert codes(replace(GOOD, primary_text="<script>alert(1)</script> 7*7")) == set()


def test_a_paste_of_a_megabyte_is_refused_for_its_length_at_once():
    paste = "<b>{{x}}</b> A " * 70_000
    checked = check_copy(replace(GOOD, primary_text=paste), strict=False)
    assert {problem.code for problem in checked.problems} == {"too_long"}
