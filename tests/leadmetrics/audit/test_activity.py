"""The activity page: the audit log in words."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import pytest
from django.db import transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from leadmetrics.audit import append_only
from leadmetrics.audit.log import record
from leadmetrics.audit.models import AuditEntry
from leadmetrics.audit.selectors import (
    KINDS,
    PAGE_SIZE,
    SENTENCES,
    ActivityFilter,
    activity_page,
)
from leadmetrics.tenancy.actors import Actor, ActorKind, system
from leadmetrics.tenancy.models import Tenant

ROOT = Path(__file__).resolve().parent.parent.parent.parent
URL = "/t/acme/activity/"


def write(actor: Actor, tenant: Tenant, action: str = "policy.changed", **data: object) -> None:
    with transaction.atomic():
        record(actor, action, tenant, data)


def write_many(actor: Actor, tenant: Tenant, count: int) -> None:
    with transaction.atomic():
        for number in range(1, count + 1):
            record(actor, "policy.changed", tenant, {"name": f"rule {number}"})


def seqs(tenant: Tenant, narrow: ActivityFilter, **place: int) -> list[int]:
    return [line.seq for line in activity_page(tenant, narrow, **place).lines]


def recorded_actions() -> set[str]:
    """Every action that the product's code records."""
    return {
        action
        for package in ("leadmetrics", "integrations", "approvals")
        for path in (ROOT / package).rglob("*.py")
        if "migrations" not in path.parts
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in ("record", "_record")
        for argument in call.args[:3]
        for part in ast.walk(argument)
        if isinstance(part, ast.Constant) and re.fullmatch(r"[a-z_]+\.[a-z_]+", str(part.value))
        for action in [str(part.value)]
    }


def test_every_recorded_act_has_a_sentence() -> None:
    assert recorded_actions()
    assert recorded_actions() - SENTENCES.keys() == set()


def test_every_act_is_found_under_one_kind() -> None:
    for action in SENTENCES:
        kinds = [name for name, (_, starts) in KINDS.items() if action.startswith(starts)]
        assert len(kinds) == 1, action


@pytest.mark.parametrize("action", SENTENCES)
def test_sentence_is_filled_from_the_data(acme: Tenant, ana: Actor, action: str) -> None:
    named = {name for _, name, _, _ in Formatter().parse(SENTENCES[action][2]) if name}
    write(ana, acme, action, **{name: f"<{name}>" for name in named - {"what"}})
    (line,) = activity_page(acme, ActivityFilter()).lines
    assert "{" not in line.sentence
    assert all(f"<{name}>" in line.sentence for name in named - {"what", "name"})


def test_act_with_data_that_does_not_fit_its_sentence_is_still_shown(
    acme: Tenant, ana: Actor
) -> None:
    write(ana, acme, "member.role_changed", name="Ben")
    (line,) = activity_page(acme, ActivityFilter()).lines
    assert line.sentence == "member.role_changed on “Ben”"


def test_page_is_newest_first_and_pages_by_place(acme: Tenant, ana: Actor) -> None:
    write_many(ana, acme, PAGE_SIZE * 2 + 5)
    everything = ActivityFilter()
    first = activity_page(acme, everything)
    assert (first.lines[0].seq, first.newer_after, first.older_before) == (105, None, 56)
    second = activity_page(acme, everything, before=56)
    assert (second.lines[0].seq, second.newer_after, second.older_before) == (55, 55, 6)
    last = activity_page(acme, everything, before=6)
    assert ([line.seq for line in last.lines], last.older_before) == ([5, 4, 3, 2, 1], None)
    assert seqs(acme, everything, after=55) == [line.seq for line in first.lines]


def test_filters_narrow_by_who_kind_and_object(acme: Tenant, ana: Actor, ben: Actor) -> None:
    agent = Actor(ActorKind.AGENT, "Copy agent", acme.pk, key_id=3)
    write(ana, acme, "policy.changed")
    write(ben, acme, "variant.approved")
    write(agent, acme, "proposal.received")
    write(system(acme.pk), acme, "variant.pushed")
    assert seqs(acme, ActivityFilter(who=f"u{ana.user_id}")) == [1]
    assert seqs(acme, ActivityFilter(who="agents")) == [3]
    assert seqs(acme, ActivityFilter(who="k3")) == [3]
    assert seqs(acme, ActivityFilter(who="system")) == [4]
    assert seqs(acme, ActivityFilter(kind="copy")) == [4, 3, 2]
    assert seqs(acme, ActivityFilter(kind="people")) == [1]
    assert seqs(acme, ActivityFilter(object_type="tenant", object_id="0")) == []


@pytest.mark.parametrize(
    "query",
    ["who=u", "who=uX", "who=u99999999999999999999", "kind=none", "before=x", "after=-1", "id=%00"],
)
def test_nonsense_in_the_address_does_no_harm(
    acme: Tenant, ana: Actor, as_vera: Client, query: str
) -> None:
    write(ana, acme)
    assert as_vera.get(f"{URL}?{query}").status_code in (200, 404)


def test_other_tenants_acts_are_not_shown(
    acme: Tenant, harbour: Tenant, olga: Actor, as_vera: Client
) -> None:
    write(olga, harbour, "key.created", name="Olga’s key", prefix="lm_x")
    assert "Olga" not in as_vera.get(URL).content.decode()


def test_what_people_typed_is_escaped(acme: Tenant, ana: Actor, as_vera: Client) -> None:
    write(ana, acme, "target.created", name="<script>alert(1)</script>")
    page = as_vera.get(URL).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_queries_do_not_grow_with_the_rows(
    acme: Tenant,
    ana: Actor,
    as_vera: Client,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    write_many(ana, acme, 120)
    with django_assert_max_num_queries(11):
        assert as_vera.get(URL).status_code == 200


def test_checking_says_that_the_log_is_whole(acme: Tenant, ana: Actor, as_vera: Client) -> None:
    write_many(ana, acme, 3)
    page = as_vera.post(URL, follow=True).content.decode()
    assert "Verified 3 entries: none is missing, none was altered." in page


def test_checking_says_where_the_log_is_broken(acme: Tenant, ana: Actor, as_vera: Client) -> None:
    write_many(ana, acme, 3)
    append_only.remove()
    AuditEntry.objects.filter(seq=2).update(action="other.act")
    append_only.install()
    page = as_vera.post(URL, follow=True).content.decode()
    assert "Verified" not in page
    assert "2" in page
