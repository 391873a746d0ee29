from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import IntegrityError, transaction

from leadmetrics.notices.models import Notice
from leadmetrics.notices.services import notify, prune_notices, send_notices
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Membership, Tenant, User
from tests.builders import make_member

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def tell(tenant: Tenant, *users: User, key: str = "token-7:1") -> int:
    return notify(
        tenant=tenant,
        users=users,
        key=key,
        subject="Reconnect\r\nFacebook",
        body="The grant ends on 1 December.",
        path="/t/acme/connections/",
    )


def person(actor: Actor) -> User:
    return User.objects.get(pk=actor.user_id)


@pytest.fixture
def ana_user(ana: Actor) -> User:
    return person(ana)


def test_notice_reaches_each_person_once_per_key(acme: Tenant, ana_user: User) -> None:
    ben = person(make_member(acme, "Benno"))
    assert tell(acme, ana_user, ben) == 2
    assert tell(acme, ana_user, ben) == 0
    assert send_notices() == 2
    assert send_notices() == 0
    first = mail.outbox[0]
    assert first.to == [ana_user.email]
    assert first.subject == "[Acme Outdoor] Reconnect Facebook"
    assert "The grant ends on 1 December." in first.body
    assert "/t/acme/connections/" in first.body
    assert tell(acme, ana_user, key="token-3:1") == 1


def test_change_that_rolls_back_tells_nobody(acme: Tenant, ana_user: User) -> None:
    def change() -> None:
        with transaction.atomic():
            tell(acme, ana_user)
            Tenant.objects.create(slug=acme.slug, name="again")

    with pytest.raises(IntegrityError):
        change()
    assert Notice.objects.count() == 0


def test_person_who_left_meanwhile_is_not_told(acme: Tenant, ana_user: User) -> None:
    tell(acme, ana_user)
    Membership.objects.filter(user=ana_user).delete()
    assert send_notices() == 0
    assert mail.outbox == []
    notice = Notice.objects.get()
    assert notice.dropped_at is not None
    assert notice.sent_at is None


def test_mail_server_that_is_down_is_asked_again_later(
    acme: Tenant, ana_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        tell(acme, ana_user)
        with monkeypatch.context() as broken:
            broken.setattr(EmailBackend, "send_messages", refuse)
            assert send_notices() == 0
        assert send_notices() == 0  # not due yet
        clock.shift(timedelta(minutes=2))
        assert send_notices() == 1
    assert Notice.objects.get().attempts == 2


def refuse(*_: object) -> int:
    raise ConnectionRefusedError


def test_old_mails_are_forgotten(acme: Tenant, ana_user: User) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        tell(acme, ana_user)
        clock.shift(timedelta(days=399))
        prune_notices()
        assert Notice.objects.count() == 1
        clock.shift(timedelta(days=2))
        prune_notices()
        assert Notice.objects.count() == 0
