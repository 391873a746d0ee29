"""Anything may happen in any order: after every step the invariants hold, and all ends well.

People propose, edit, approve, take back, switch on and pause; roles and the grant are taken away,
sending is stopped; workers die at named points, jobs run twice or never; Meta refuses, throttles,
fails with and without effect and loses answers; time passes. The checker is that of
``manage.py doctor --invariants``, and it reads the stand-in's own books as well.

MACHINE_ROUNDS sets how many such histories there are; `make campaign` asks for more than the suite.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
import time_machine
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from approvals.content import content_hash
from approvals.invariants import violations
from approvals.models import Activation, AdVariant, Push
from approvals.selectors.sending import due_pushes
from approvals.services.activate import activate_ad, look_before_activation, request_activation
from approvals.services.pausing import pause_ad, request_pause
from approvals.services.push import push_variant, release_push
from approvals.services.review import (
    approve_variant,
    edit_variant,
    reject_variant,
    return_to_review,
)
from approvals.services.stops import resume_writes, stop_writes
from approvals.states import PushState
from integrations.models import Integration
from integrations.services import clients
from leadmetrics import crash_points
from leadmetrics.demo_images import draw_scene
from leadmetrics.errors import LeadmetricsError
from leadmetrics.tenancy.actors import Actor, ActorKind
from leadmetrics.tenancy.models import Membership, Role, Tenant
from tests.approvals.conftest import COPY, make_member_of, make_target_for, propose
from tests.approvals.live import let_activate, point_at
from tests.approvals.services.test_crash_points import POINTS
from tests.ledger import ledger_of

ROUNDS = int(os.environ.get("MACHINE_ROUNDS", "6"))
ADS = st.integers(0, 3)
ONCE: dict[str, Any] = {"method": "POST", "times": 1}
FAULTS: dict[str, dict[str, Any]] = {
    "the answer is lost": {"lose_reply": {}},
    "500 with effect": {"fail": {"code": 2, "with_effect": True}},
    "500 without effect": {"fail": {"code": 2}},
    "a web page with effect": {"html_error": {"with_effect": True}},
    "a web page without effect": {"html_error": {}},
    "throttled": {"fail": {"status": 400, "code": 613, "subcode": 5044001}},
    "refused": {"fail": {"status": 400, "code": 100}},
    "may be tried again": {"fail": {"status": 400, "code": 100, "subcode": 1487390}},
    "no permission": {"fail": {"status": 403, "code": 200}},
    "blocked": {"fail": {"status": 400, "code": 368}},
    "the token is refused": {"fail": {"status": 400, "code": 190, "subcode": 463}},
}
UNANSWERED = [name for name in FAULTS if name.startswith(("500", "a web page", "the answer"))]


class Died(BaseException):
    """A worker's death: nothing catches it, and what was not committed is gone."""


class Outbox(RuleBasedStateMachine):
    """A workspace, its ad account at the stand-in, and everything that may befall them."""

    stand_in: ClassVar[Any]

    # --- a world of its own for each history -----------------------------------------------------
    @initialize()
    def begin(self) -> None:
        self.clock = time_machine.travel(datetime.now(UTC), tick=True)
        self.clock.start()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        cache.clear()
        Path(django_settings.DATA_DIR, "outgoing.json").unlink(missing_ok=True)
        self.stand_in.control(reset={})
        self.tenant = Tenant.objects.create(slug="acme-outdoor", name="Acme", undo_minutes=0)
        self.target = make_target_for(self.tenant)
        point_at(self.stand_in, self.target)
        self.agent = Actor(ActorKind.AGENT, "Copy agent", self.tenant.pk, key_id=1)
        self.ana = make_member_of(self.tenant, "Ana", Role.ADMIN)
        self.ben = make_member_of(self.tenant, "Ben", Role.REVIEWER)
        self.rita = let_activate(make_member_of(self.tenant, "Rita", Role.REVIEWER))
        self.edits = 0
        for number in range(3):  # further ones are proposed on the way
            self.propose_an_ad(picture=number == 0)
            self.approve(number)

    def teardown(self) -> None:
        if not hasattr(self, "savepoint"):
            return
        try:
            self.all_ends_well()
        finally:
            crash_points.handler = None
            transaction.set_rollback(True)
            self.savepoint.__exit__(None, None, None)
            self.clock.stop()

    def variant(self, number: int) -> AdVariant | None:
        there = AdVariant.objects.select_related("head", "target").order_by("created_at")
        return next(iter(there[number : number + 1]), None)

    def push(self, number: int) -> Push | None:
        variant = self.variant(number)
        return Push.objects.filter(variant=variant).last() if variant else None

    def attempt(self, number: int, act: Callable[[AdVariant], object]) -> None:
        """A person tries something; being told no is a good answer, too."""
        variant = self.variant(number)
        if variant is not None:
            with contextlib.suppress(LeadmetricsError):
                act(variant)

    # --- people ----------------------------------------------------------------------------------
    @rule(picture=st.booleans())
    def propose_an_ad(self, picture: bool) -> None:
        number = AdVariant.objects.count()
        if number < 4:
            image = draw_scene("ridge") if picture else b""
            propose(self.agent, self.target, replace(COPY, headline=f"Ad {number}"), image)

    @rule(number=ADS)
    def approve(self, number: int) -> None:
        self.attempt(
            number,
            lambda variant: approve_variant(
                actor=self.ben,
                variant_id=variant.pk,
                shown_hash=content_hash(variant.head, variant.target),
            ),
        )

    @rule(number=ADS, act=st.sampled_from(["reject", "edit", "take back", "release"]))
    def a_colleague_steps_in(self, number: int, act: str) -> None:
        def step_in(variant: AdVariant) -> None:
            this: dict[str, Any] = {"actor": self.rita, "variant_id": variant.pk}
            shown = content_hash(variant.head, variant.target)
            if act == "reject":
                reject_variant(**this, shown_hash=shown, reason_code="off_brand")
            elif act == "edit":
                self.edits += 1
                copy = replace(COPY, headline=f"Ad {number}, edit {self.edits}")
                edit_variant(**this, shown_hash=shown, copy=copy)
            elif act == "take back":
                return_to_review(**this)
            elif push := self.push(number):
                release_push(actor=self.rita, push_id=push.pk)

        self.attempt(number, step_in)

    @rule(number=ADS)
    def ask_to_run(self, number: int) -> None:
        def ask(variant: AdVariant) -> None:
            variant, live = look_before_activation(actor=self.rita, variant_id=variant.pk)
            push = Push.objects.get(variant=variant, state=PushState.DONE)
            request_activation(
                actor=self.rita,
                variant_id=variant.pk,
                shown_hash=push.payload_hash,
                shown_plan=live.plan,
            )

        self.attempt(number, ask)

    @rule()
    def switch_on(self) -> None:
        for activation in Activation.objects.all():
            activate_ad(activation_id=activation.pk)

    @rule(number=ADS)
    def pause(self, number: int) -> None:
        def stop(variant: AdVariant) -> None:
            request_pause(actor=self.ben, variant_id=variant.pk)
            pause_ad(push_id=Push.objects.get(variant=variant, state=PushState.DONE).pk)

        self.attempt(number, stop)

    @rule(what=st.sampled_from(["the role", "the grant", "writing"]), back=st.booleans())
    def something_is_taken_away_or_given_back(self, what: str, back: bool) -> None:
        if what == "the role":
            role = Role.REVIEWER if back else Role.VIEWER
            Membership.objects.filter(user_id=self.ben.user_id).update(role=role)
        elif what == "the grant" and back:
            self.reconnect()
        elif what == "the grant":
            self.stand_in.control(expire_token={"user": "Ana"})
        elif back:
            resume_writes(actor=self.ana)
        else:
            stop_writes(actor=self.ana, reason="Somebody looks into it.")

    def reconnect(self) -> None:
        point_at(self.stand_in, self.target)
        Integration.objects.update(status=Integration.Status.CONNECTED)
        self.target.ad_account.integration.refresh_from_db()

    # --- Meta, the network, time -----------------------------------------------------------------
    @rule(
        number=ADS,
        what=st.sampled_from([*sorted(FAULTS), *UNANSWERED]),
        path=st.sampled_from(["adimages", "adcreatives", "ads", "ads", "ads"]),
    )
    def a_job_meets_trouble(self, number: int, what: str, path: str) -> None:
        ((switch, options),) = FAULTS[what].items()
        self.stand_in.control(**{switch: {**options, **ONCE, "path": path}})
        self.a_job_runs(number)

    @rule(seconds=st.sampled_from([5, 60, 200, 200, 400, 4000]))
    def time_passes(self, seconds: int) -> None:
        """And the sweep finds what is due by then."""
        now = datetime.now(UTC)
        self.clock.stop()
        self.clock = time_machine.travel(now + timedelta(seconds=seconds), tick=True)
        self.clock.start()
        for push_id in list(due_pushes().values_list("pk", flat=True)):
            push_variant(push_id=push_id)

    # --- workers ---------------------------------------------------------------------------------
    @rule(number=ADS)
    def a_job_runs(self, number: int) -> None:
        push = self.push(number)
        if push is not None:
            push_variant(push_id=push.pk)

    @rule(number=ADS, point=st.sampled_from([p for p in POINTS if not p.startswith("approve")]))
    def a_worker_dies(self, number: int, point: str) -> None:
        push = self.push(number)
        if push is None:
            return

        def die(name: str) -> None:
            if name == point:
                raise Died

        crash_points.handler = die
        try:
            push_variant(push_id=push.pk)
        except Died:
            pass
        finally:
            crash_points.handler = None

    # --- what must hold --------------------------------------------------------------------------
    @invariant()
    def nothing_is_violated(self) -> None:
        if hasattr(self, "tenant"):
            books = ledger_of(self.stand_in.read("state"), self.stand_in.read("writes")["writes"])
            assert violations(books) == []

    def all_ends_well(self) -> None:
        """Once the trouble is over, every approval becomes an ad, or a person knows why not."""
        self.stand_in.control(clear_faults=True)
        self.reconnect()
        resume_writes(actor=self.ana)
        for _ in range(12):
            self.time_passes(400)
        ended = (PushState.DONE, PushState.FAILED, PushState.VOIDED)
        assert not Push.objects.exclude(state__in=ended).exists()
        self.nothing_is_violated()


OPTIONS = settings(
    max_examples=ROUNDS,
    stateful_step_count=30,
    phases=(Phase.generate,),  # making a failing history shorter takes minutes
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.activates
def test_whatever_happens_the_invariants_hold(db, stand_in, settings, monkeypatch):
    settings.PUSH_TAKES_ALONG_SECONDS = 0  # each job for itself: the rows are this thread's only
    real = clients.meta_transport

    def without_waits() -> Any:
        transport = real()
        transport.sleep = lambda _seconds: None
        return transport

    monkeypatch.setattr(clients, "meta_transport", without_waits)
    Outbox.stand_in = stand_in
    run_state_machine_as_test(Outbox, settings=OPTIONS)
