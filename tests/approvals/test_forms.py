"""What comes in from the review page."""

from __future__ import annotations

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict

from approvals.forms import EditForm, RejectForm, ShownForm
from approvals.models import VariantRevision
from tests.approvals.conftest import COPY

FIELDS = {
    "primary_text": COPY.primary_text,
    "headline": COPY.headline,
    "description": COPY.description,
    "link": COPY.link,
    "call_to_action": COPY.call_to_action,
}


def query(**values: str) -> QueryDict:
    data = QueryDict(mutable=True)
    data.update(values)
    return data


def test_shown_form_without_a_hash_fits_no_content():
    form = ShownForm(query(revision="nonsense"))
    form.full_clean()
    assert (form.shown_hash, form.shown_number) == ("", 0)


def test_shown_form_takes_no_number_that_a_database_cannot_hold():
    form = ShownForm(query(revision="9" * 30, content_hash="f" * 64))
    form.full_clean()
    assert (form.shown_hash, form.shown_number) == ("f" * 64, 0)


def test_reject_form_knows_the_eight_reasons_only():
    assert len(RejectForm.base_fields["reason"].choices) == 8
    assert RejectForm(query(reason="policy")).is_valid()
    form = RejectForm(query(reason="because"))
    assert form.errors["reason"] == ["Choose one of the reasons."]


def test_edit_form_starts_with_the_words_of_the_revision():
    revision = VariantRevision(number=3, **FIELDS)
    form = EditForm.of(revision, {"content_hash": "a" * 64, "revision": revision.number})
    assert form["headline"].value() == COPY.headline
    assert (form["content_hash"].value(), form["revision"].value()) == ("a" * 64, 3)


def test_edit_form_gives_the_copy_as_typed():
    form = EditForm(query(**FIELDS))
    assert form.is_valid(), form.errors
    assert form.copy == COPY


def test_edit_form_names_what_is_missing():
    form = EditForm(query(**{**FIELDS, "headline": "  "}))
    assert form.errors == {"headline": ["Headline is missing."]}


def test_edit_form_refuses_a_paste_of_a_megabyte_and_keeps_it():
    form = EditForm(query(**{**FIELDS, "primary_text": "x" * 1_000_000}))
    assert form.errors["primary_text"] == ["This is far too long for an ad."]
    assert len(form["primary_text"].value()) == 1_000_000


def test_edit_form_never_lets_the_browser_cut_a_paste():
    assert "maxlength" not in str(EditForm()["primary_text"])


def test_edit_form_refuses_a_huge_file_before_reading_it():
    file = SimpleUploadedFile("a.png", b"x")
    file.size = 8 * 1024 * 1024 + 1
    form = EditForm(query(**FIELDS), {"image": file})
    assert form.errors["image"] == ["The image is larger than 8 MB."]


def test_edit_form_shows_problems_beside_their_fields():
    form = EditForm(query(**FIELDS))
    assert form.is_valid()
    form.add_problems(
        [
            {"code": "too_long", "field": "headline", "message": "Too long."},
            {"code": "odd", "field": "elsewhere", "message": "Something else."},
        ]
    )
    assert form.errors["headline"] == ["Too long."]
    assert form.non_field_errors() == ["Something else."]


def test_edit_form_puts_the_cursor_in_the_first_wrong_field():
    form = EditForm(query(**{**FIELDS, "link": ""}))
    form.aim_focus()
    assert "autofocus" in str(form["link"])
    assert "autofocus" not in str(form["primary_text"])


def test_edit_form_shown_anew_keeps_the_typing_and_takes_the_new_hash():
    form = EditForm(query(**FIELDS, content_hash="a" * 64, revision="1"))
    form.shown_anew({"content_hash": "b" * 64, "revision": 2})
    assert form["headline"].value() == COPY.headline
    assert (form["content_hash"].value(), form["revision"].value()) == ("b" * 64, "2")
