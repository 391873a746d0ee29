"""People talk about an ad: about all of it or about some of its words, and call others by mail."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from approvals.access import access_variant
from approvals.limits import LABELS, TEXTS
from approvals.models import AdVariant, Comment, VariantRevision
from leadmetrics.audit.log import record
from leadmetrics.errors import InvalidInput
from leadmetrics.notices.services import notify
from leadmetrics.tenancy.actors import Actor, require_role
from leadmetrics.tenancy.models import Membership, Role, User
from leadmetrics.tenancy.selectors import members_of

AGAIN = timedelta(minutes=1)


def add_comment(
    *,
    actor: Actor,
    variant_id: UUID,
    revision_number: int,
    text: str,
    words: str = "",
    field: str = "",
    near: int = 0,
    tell: Collection[int] = (),
) -> Comment:
    """Keep what a member says about a version, which need not be the newest one any more.

    ``words`` are quoted from the version's texts: from ``field`` if that is given, and the
    occurrence closest to the character ``near``. People are told by mail who stand in ``tell``
    (user ids) or as @Name in the text. The same sent twice within a minute, as by a second click,
    is one comment. Raises NotFound, and InvalidInput with problems.
    """
    text, words = text.strip(), words.strip()
    if not text:
        raise _problem("text", "Write what you want to say.")
    with transaction.atomic():
        author = require_role(actor, Role.VIEWER, tenant_id=actor.tenant_id)
        variant = access_variant(actor=actor, variant_id=variant_id, lock=True)
        revision = variant.revisions.filter(number=revision_number).first()
        if revision is None:
            raise _problem("", "This version of the ad does not exist. Load the page again.")
        quote = _find(revision, words, field, near) if words else None
        people = [person for person in _called(variant, text, tell) if person != author.user]
        told = [person.name for person in people]
        if said := _said_just_now(variant, author, revision, text, words, told):
            return said
        comment = Comment.objects.create(
            variant=variant,
            revision=revision,
            number=variant.comments.count() + 1,
            content_hash=revision.content_hash,
            author_id=author.user_id,
            text=text,
            field=quote[0] if quote else "",
            start=quote[1] if quote else None,
            end=quote[1] + len(words) if quote else None,
            words=words,
            told=told,
        )
        variant.save(update_fields=["updated_at"])  # agents read what changed since they asked
        facts = {"headline": revision.headline, "revision": revision.number, "comment": text}
        quoted = {"words": words} if words else {}
        called = {"told": ", ".join(told)} if people else {}
        record(actor, "variant.commented", variant, {**facts, **quoted, **called})
        _tell(comment, people)
    return comment


def _said_just_now(
    variant: AdVariant,
    author: Membership,
    revision: VariantRevision,
    text: str,
    words: str,
    told: list[str],
) -> Comment | None:
    """This person's equal comment of the last minute; a second click sends it again."""
    recent = variant.comments.filter(
        author_id=author.user_id,
        revision=revision,
        text=text,
        words=words,
        created_at__gt=timezone.now() - AGAIN,
    )
    return next((one for one in recent if one.told == told), None)


def _find(revision: VariantRevision, words: str, field: str, near: int) -> tuple[str, int]:
    """The text that holds the words, and where in it; of several places the closest to ``near``."""
    for name in [field] if field in TEXTS else TEXTS:
        text = getattr(revision, name)
        places = [found.start() for found in re.finditer(f"(?={re.escape(words)})", text)]
        if places:
            return name, min(places, key=lambda place: abs(place - near))
    where = f"the {LABELS[field].lower()}" if field in TEXTS else "the ad"
    raise _problem(
        "words", f"These words are not in {where}. Copy them exactly as they stand there."
    )


def _called(variant: AdVariant, text: str, tell: Collection[int]) -> list[User]:
    """The active members who are picked or called by name, each once."""
    people = [member.user for member in members_of(variant.tenant) if member.user.is_active]
    called = {person.pk: person for person in people if person.pk in tell}
    for names in [User.get_full_name, User.get_short_name]:
        rest = text
        for name in sorted({names(person) for person in people}, key=len, reverse=True):
            pattern = re.compile(rf"(?<!\w)@{re.escape(name)}(?!\w)", re.IGNORECASE)
            if not pattern.search(rest):
                continue
            rest = pattern.sub("_", rest)  # what stood behind it begins no name
            meant = [one for one in people if names(one).casefold() == name.casefold()]
            if len(meant) > 1 and not any(one.pk in called for one in meant):
                raise _problem("text", f"“@{name}” could be several people: tick who is meant.")
            called |= {one.pk: one for one in meant if len(meant) == 1}
        text = rest
    return list(called.values())


def _tell(comment: Comment, people: list[User]) -> None:
    variant, headline = comment.variant, comment.revision.headline
    quote = f"About “{comment.words}” ({comment.label.lower()}):\n\n" if comment.words else ""
    notify(
        tenant=variant.tenant,
        users=people,
        key=f"comment:{comment.pk}",
        subject=f"{comment.author.name} asks you about “{headline}”",
        body=f"{comment.author.name} commented on “{headline}”.\n\n{quote}{comment.text}",
        path=reverse("review:variant", args=[variant.tenant.slug, variant.pk]),
    )


def _problem(field: str, message: str) -> InvalidInput:
    return InvalidInput(problems=[{"field": field, "code": "comment", "message": message}])
