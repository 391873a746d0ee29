"""Comments: which words they quote, who is told, and what they leave behind."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import DatabaseError, transaction
from django.utils import timezone

from approvals.models import Comment
from approvals.services.comment import add_comment
from leadmetrics.audit.models import AuditEntry
from leadmetrics.errors import InvalidInput, NotFound
from leadmetrics.notices.models import Notice
from leadmetrics.tenancy.models import Membership, Role, Tenant, User
from tests.approvals.conftest import make_member_of
from tests.builders import make_revision


def say(actor, variant, text="Is that so?", number=1, **more) -> Comment:
    return add_comment(
        actor=actor, variant_id=variant.pk, revision_number=number, text=text, **more
    )


def names() -> list[str]:
    return [notice.user.name for notice in Notice.objects.order_by("pk")]


def test_a_comment_keeps_the_words_their_place_and_the_hash_of_the_version(ben, variant):
    made = say(ben, variant, words="1.9 kg")
    kept = (made.field, made.start, made.end, made.words, made.content_hash)
    assert kept == ("headline", 11, 17, "1.9 kg", variant.head.content_hash)
    line = AuditEntry.objects.get(action="variant.commented")
    assert line.data == {
        "headline": "Tents from 1.9 kg",
        "revision": 1,
        "comment": "Is that so?",
        "words": "1.9 kg",
    }


@pytest.mark.parametrize(("near", "start"), [(0, 0), (6, 5), (99, 10)])
def test_of_equal_words_those_closest_to_the_mark_are_meant(ben, variant, near, start):
    make_revision(variant, primary_text="Tent Tent Tent 🏕", headline="Tent")
    made = say(ben, variant, number=2, words="Tent", field="primary_text", near=near)
    assert (made.field, made.start) == ("primary_text", start)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"words": "2.1 kg"}, "These words are not in the ad."),
        ({"words": "1.9 kg", "field": "description"}, "These words are not in the description."),
        ({"text": "  "}, "Write what you want to say."),
        ({"number": 7}, "This version of the ad does not exist."),
    ],
)
def test_what_cannot_be_kept_is_refused_and_leaves_nothing(ben, variant, more, message):
    with pytest.raises(InvalidInput) as caught:
        say(ben, variant, **more)
    assert caught.value.problems[0]["message"].startswith(message)
    assert not Comment.objects.exists()
    assert not AuditEntry.objects.filter(action="variant.commented").exists()


def test_people_are_told_once_whether_ticked_or_called(ben, rita, vera, variant):
    made = say(ben, variant, "@Rita and @rita, and @ben@vera.example", tell=[rita.user_id])
    assert names() == made.told == ["Rita"]
    mail = Notice.objects.get()
    assert "Is that" not in mail.body
    assert "@Rita and @rita" in mail.body
    assert mail.path == f"/t/acme-outdoor/review/{variant.pk}/"


def test_nobody_outside_this_workspace_is_told_and_nobody_about_themselves(ben, acme, variant):
    gone = make_member_of(acme, "Gone", Role.REVIEWER)
    User.objects.filter(pk=gone.user_id).update(is_active=False)
    olga = make_member_of(Tenant.objects.create(slug="harbour", name="H"), "Olga", Role.ADMIN)
    text = "@Gone @Olga @Ben @nobody look"
    assert say(ben, variant, text, tell=[gone.user_id, olga.user_id, ben.user_id]).told == []
    assert names() == []


def test_a_name_of_several_people_asks_who_is_meant(ben, acme, variant):
    people = [User.objects.create_user(f"ana{n}@x.example", name=f"Ana {n}") for n in "AB"]
    for person in people:
        Membership.objects.create(tenant=acme, user=person)
    with pytest.raises(InvalidInput):
        say(ben, variant, "@Ana?")
    assert say(ben, variant, "@Ana?", tell=[people[1].pk]).told == ["Ana B"]
    assert say(ben, variant, "@Ana A?").told == ["Ana A"]


def test_a_stranger_cannot_comment_and_a_viewer_can(variant, vera, harbour_admin):
    with pytest.raises(NotFound):
        say(harbour_admin, variant)
    assert say(vera, variant).number == 1
    assert say(vera, variant, "And that?").number == 2


@pytest.fixture
def harbour_admin(db):
    return make_member_of(Tenant.objects.create(slug="harbour", name="H"), "Olga", Role.ADMIN)


def test_a_second_click_within_a_minute_is_the_same_comment(ben, rita, variant):
    first = say(ben, variant, "@Rita, is that so?")
    assert say(ben, variant, "@Rita, is that so?") == first
    assert names() == ["Rita"]
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        say(ben, variant, "@Rita, is that so?")
    say(rita, variant, "@Rita, is that so?")
    say(ben, variant, "@Rita, is that so?", words="1.9 kg")
    assert Comment.objects.count() == 4


def test_a_comment_is_never_changed(ben, variant):
    say(ben, variant)
    with pytest.raises(DatabaseError), transaction.atomic():
        Comment.objects.update(text="Something else")
