"""While Meta is asked, no transaction is open and no row is locked."""

from __future__ import annotations

import pytest
from django.db import connection

from approvals.services.activate import activate_ad, look_before_activation, request_activation
from approvals.services.pausing import pause_ad, request_pause
from approvals.services.preflight import check_place, validate_variant
from approvals.services.push import push_variant
from approvals.states import PushState
from integrations.services import clients
from integrations.services.tokens import refresh
from leadmetrics.demo_images import draw_scene
from tests.approvals.conftest import propose
from tests.approvals.live import let_activate, look
from tests.approvals.services.test_push import approve, later, meta

__all__ = ["meta"]


@pytest.mark.activates
@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_meta_is_asked(meta, agent, target, ben, rita, monkeypatch):
    """From the first check to the pause, with a lost answer and its look-up in between."""
    asked, send, here = [], clients._session.request, connection

    def note(method, url, **options):
        asked.append((method, url.rpartition("/")[2], here.in_atomic_block))
        return send(method, url, **options)

    monkeypatch.setattr(clients._session, "request", note)
    variant = propose(agent, target, image=draw_scene("ridge"))
    check_place(target_id=target.pk)
    validate_variant(variant_id=variant.pk)
    pushes = [approve(variant, ben), approve(propose(agent, target), ben)]
    meta.control(lose_reply={"path": "ads", "times": 1})
    push_variant(push_id=pushes[0].pk)
    with later(200):
        for push in pushes:
            push_variant(push_id=push.pk)
            push.refresh_from_db()
            assert push.state == PushState.DONE
    look(pushes[0])
    _, live = look_before_activation(actor=let_activate(rita), variant_id=variant.pk)
    shown = {"shown_hash": pushes[0].payload_hash, "shown_plan": live.plan}
    act = request_activation(actor=rita, variant_id=variant.pk, **shown)
    activate_ad(activation_id=act.pk)
    request_pause(actor=ben, variant_id=variant.pk)
    pause_ad(push_id=pushes[0].pk)
    refresh(integration_id=target.ad_account.integration_id)
    assert {"adimages", "adcreatives", "ads", pushes[0].ad_id} <= {path for _, path, _ in asked}
    assert [call for call in asked if call[2]] == []
