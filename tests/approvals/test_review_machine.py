"""Two people review at random over the pages: nothing is approved that its approver never saw.

What was drawn is read from the answers themselves, not from what the product keeps about it.
"""

from __future__ import annotations

import re
from dataclasses import asdict, replace

from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from approvals.models import AdVariant, Decision, Push
from approvals.states import PAST_PUSHES, VariantStatus
from integrations.models import PushTarget
from leadmetrics.tenancy.actors import Actor, ActorKind
from leadmetrics.tenancy.models import Role
from tests.approvals.conftest import COPY, propose
from tests.approvals.pages import live_hash, review
from tests.builders import client_for, make_member, make_push_target, make_tenant

PEOPLE = st.sampled_from(["Ben", "Rita"])
ADS = st.integers(0, 3)
FIELD = re.compile(r'name="content_hash" value="([0-9a-f]{64})"')
CONFIRM = re.compile(r'name="approve" value="([0-9a-f]{64})"')
ROW = re.compile(r'value="([0-9a-f-]{36}):([0-9a-f]{64})"')
SENT = (VariantStatus.APPROVED, VariantStatus.PUSHING, VariantStatus.PAUSED)


class Review(RuleBasedStateMachine):
    """Ben and Rita work through four ads; each keeps the pages they were given."""

    approvals_needed = 1

    @initialize()
    def begin(self) -> None:
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        tenant = make_tenant(
            "acme-outdoor", undo_minutes=10, approvals_needed=self.approvals_needed
        )
        target = make_push_target(tenant)
        agent = Actor(ActorKind.AGENT, "Copy agent", tenant.pk, key_id=1)
        people = {name: make_member(tenant, name, Role.REVIEWER) for name in ("Ben", "Rita")}
        self.ids = {name: actor.user_id for name, actor in people.items()}
        self.browsers: dict[str, Client] = {
            name: client_for(actor) for name, actor in people.items()
        }
        self.ads = [
            propose(agent, target, replace(COPY, headline=f"Ad {number}")) for number in range(4)
        ]
        self.screens: dict[tuple[str, int], str] = {}  # the newest page each person has of an ad
        self.rows: dict[str, list[str]] = {"Ben": [], "Rita": []}
        self.drawn: set[tuple[int, str]] = set()
        self.edits = 0
        self.moves = 0

    def teardown(self) -> None:
        if hasattr(self, "savepoint"):
            transaction.set_rollback(True)
            self.savepoint.__exit__(None, None, None)

    def keep(self, who: str, number: int, page: str) -> None:
        """Remember what this page showed of the ad that it is about."""
        found = FIELD.search(page)
        if found:
            self.screens[who, number] = found[1]
            self.drawn.add((self.ids[who], found[1]))

    @rule(who=PEOPLE, number=ADS)
    def open(self, who: str, number: int) -> None:
        answer = self.browsers[who].get(review("variant", self.ads[number]))
        assert answer.status_code == 200
        self.keep(who, number, answer.content.decode())

    @rule(who=PEOPLE, number=ADS, act=st.sampled_from(["approve", "reject", "changes"]))
    def decide(self, who: str, number: int, act: str) -> None:
        shown = self.screens.get((who, number))
        if shown is None:
            return
        form = {"content_hash": shown, "reason": "off_brand", "comment": "Because."}
        answer = self.browsers[who].post(review(act, self.ads[number]), form)
        assert answer.status_code in (302, 409, 403)
        self.keep(who, number, answer.content.decode())

    @rule(who=PEOPLE, number=ADS)
    def edit(self, who: str, number: int) -> None:
        if form := self.written(who, number):
            answer = self.browsers[who].post(review("edit", self.ads[number]), form)
            assert answer.status_code in (302, 409)
            self.keep(who, number, answer.content.decode())

    @rule(who=PEOPLE, number=ADS, looks=st.booleans())
    def edit_and_approve(self, who: str, number: int, looks: bool) -> None:
        """In two steps; or at once, for a difference that the page never showed."""
        form = self.written(who, number)
        if form is None:
            return
        url, wanted = review("edit", self.ads[number]), "f" * 64
        if looks:
            page = self.browsers[who].post(url, {**form, "approve": ""}).content.decode()
            if found := CONFIRM.search(page):
                wanted = found[1]
                self.drawn.add((self.ids[who], wanted))
            self.keep(who, number, page)
        answer = self.browsers[who].post(url, {**form, "approve": wanted})
        assert answer.status_code in (200, 302, 403, 409)
        self.keep(who, number, answer.content.decode())

    def written(self, who: str, number: int) -> dict[str, str] | None:
        """The edit form with other words than ever before; None before an ad was looked at."""
        shown = self.screens.get((who, number))
        if shown is None:
            return None
        self.edits += 1
        copy = replace(COPY, headline=f"Ad {number}, words {self.edits}")
        return {**asdict(copy), "content_hash": shown}

    @rule(who=PEOPLE, number=ADS)
    def undo(self, who: str, number: int) -> None:
        answer = self.browsers[who].post(review("undo", self.ads[number]))
        assert answer.status_code in (302, 409)
        self.keep(who, number, answer.content.decode())

    @rule()
    def the_target_moves(self) -> None:
        self.moves += 1
        PushTarget.objects.update(url_tags=f"utm_term={self.moves}")

    @rule(who=PEOPLE)
    def look_at_bulk(self, who: str) -> None:
        page = self.browsers[who].get(review("bulk")).content.decode()
        self.rows[who] = [":".join(found) for found in ROW.findall(page)]
        assert {(self.ids[who], row[37:]) for row in self.rows[who]} <= self.drawn

    @rule(who=PEOPLE, reason=st.sampled_from(["", "off_brand"]))
    def decide_together(self, who: str, reason: str) -> None:
        """Send the newest bulk page, however old, and rows that it never offered."""
        stolen = [f"{ad.pk}:{live_hash(ad)}" for ad in self.fresh()]
        before = {ad.pk: ad.status for ad in self.fresh()}
        asked = {"ad": [*self.rows[who], *stolen], **({"reason": reason} if reason else {})}
        assert self.browsers[who].post(review("bulk"), asked).status_code == 200
        decided = [ad for ad in self.fresh() if ad.status != before[ad.pk]]
        assert {before[ad.pk] for ad in decided} <= {VariantStatus.PROPOSED}
        verdict = VariantStatus.REJECTED if reason else VariantStatus.APPROVED
        assert {ad.status for ad in decided} <= {verdict}
        assert {(self.ids[who], live_hash(ad)) for ad in decided} <= self.drawn

    def fresh(self) -> list[AdVariant]:
        return list(AdVariant.objects.select_related("head").order_by("created_at"))

    @invariant()
    def nothing_is_approved_unseen(self) -> None:
        if not hasattr(self, "drawn"):
            return
        given = Decision.objects.filter(verdict=Decision.Verdict.APPROVED)
        assert {(one.reviewer_id, one.content_hash) for one in given} <= self.drawn

    @invariant()
    def what_is_sent_is_what_enough_people_approved(self) -> None:
        if not hasattr(self, "drawn"):
            return
        for ad in self.fresh():
            live = Push.objects.filter(variant=ad).exclude(state__in=PAST_PUSHES)
            assert live.count() == (1 if ad.status in SENT else 0)
            if push := live.first():
                standing = Decision.objects.filter(
                    variant=ad,
                    verdict=Decision.Verdict.APPROVED,
                    undone_by=None,
                    content_hash=push.payload_hash,
                )
                people = set(standing.values_list("reviewer_id", flat=True))
                assert len(people) >= self.approvals_needed
                assert push.decision.revision_id == ad.head_id

    @invariant()
    def nobody_alone_approved_their_own_words(self) -> None:
        if not hasattr(self, "drawn") or self.approvals_needed > 1:
            return
        assert not Decision.objects.filter(
            verdict=Decision.Verdict.APPROVED, reviewer_was_author=True
        ).exists()


class ReviewByTwo(Review):
    """The same where two people must approve."""

    approvals_needed = 2


OPTIONS = settings(
    max_examples=6,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_one_approver(db: None) -> None:
    run_state_machine_as_test(Review, settings=OPTIONS)


def test_two_approvers(db: None) -> None:
    run_state_machine_as_test(ReviewByTwo, settings=OPTIONS)
