"""Changing who works in a tenant and by which rules, and slowing down who guesses passwords."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.tokens import default_token_generator
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from leadmetrics.audit.log import record
from leadmetrics.errors import InvalidInput, LeadmetricsError, NotFound, StateConflict
from leadmetrics.tenancy.actors import Actor, human, require_role
from leadmetrics.tenancy.models import Membership, Role, Tenant, User, validate_timezone

SIGN_INS_PER_ACCOUNT, ACCOUNT_WINDOW = 5, 5 * 60
SIGN_INS_PER_ADDRESS, ADDRESS_WINDOW = 10, 60
_counting = threading.Lock()
_FIELDS = [field.name for field in Tenant._meta.fields]
# The rules of a workspace that are whole numbers.
NUMBERS = ("approvals_needed", "undo_minutes", "due_hours", "expire_days")


class LastAdmin(LeadmetricsError):
    """A tenant without an admin could never be repaired from within."""

    code = "last_admin"
    user_message = (
        "This is the only admin of the workspace. Make somebody else an admin first; "
        "nothing was changed."
    )


@dataclass(frozen=True, slots=True)
class SetPasswordKey:
    """What a link needs so that a new person can set the first password; valid for three days."""

    uidb64: str
    token: str

    def __repr__(self) -> str:
        return "SetPasswordKey(***)"


def within_limit(bucket: str, *, limit: int, seconds: int, cost: int = 1) -> bool:
    """Count ``cost`` in the current window of ``seconds``; False once ``limit`` is passed.

    Counting is atomic with Redis, and between the threads of one process with files.
    """
    window = int(time.time()) // seconds
    key = "limit:" + hashlib.sha256(f"{bucket}|{window}".encode()).hexdigest()
    with _counting:
        cache.add(key, 0, timeout=seconds)
        used = cache.incr(key, cost)
        cache.touch(key, seconds)  # the file cache forgets the timeout when it counts
    return used <= limit


def may_try_sign_in(*, email: str, address: str) -> bool:
    """Whether one more try is allowed for this account and from this network address.

    Counts the try. Asked before the password is hashed, so that guessing costs us nothing.
    """
    return _count_try(email, address, 1)


def forgive_sign_in(*, email: str, address: str) -> None:
    """Take back the count of a try that succeeded; only failures are to slow people down."""
    _count_try(email, address, -1)


def _count_try(email: str, address: str, cost: int) -> bool:
    by_address = within_limit(
        f"address:{address}", limit=SIGN_INS_PER_ADDRESS, seconds=ADDRESS_WINDOW, cost=cost
    )
    by_account = within_limit(
        f"account:{email.strip().lower()}",
        limit=SIGN_INS_PER_ACCOUNT,
        seconds=ACCOUNT_WINDOW,
        cost=cost,
    )
    return by_address and by_account


def add_member(
    *, actor: Actor, email: str, name: str, role: str
) -> tuple[Membership, SetPasswordKey | None]:
    """Let a person into the workspace; a key for the first password if the account is new.

    An account that exists keeps its password and name. Raises NotFound, NotAllowed, InvalidInput.
    """
    email, name = email.strip().lower(), name.strip()
    _check_role(role)
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidInput("This is not an e-mail address.") from None
    with transaction.atomic():
        require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
        user = User.objects.filter(email=email).first()
        is_new = user is None
        if user is None:
            if not name:
                raise InvalidInput("Say the person's name; colleagues see it beside decisions.")
            user = User.objects.create_user(email, name=name)
        membership, created = Membership.objects.get_or_create(
            tenant_id=actor.tenant_id, user=user, defaults={"role": role}
        )
        if not created:
            raise InvalidInput(f"{user.name} is already a member. Change the role in the list.")
        record(
            actor,
            "member.added",
            membership,
            {"name": user.name, "email": email, "role": role, "new_account": is_new},
        )
    return membership, _set_password_key(user) if is_new else None


def renew_link(*, actor: Actor, membership_id: int) -> tuple[Membership, SetPasswordKey]:
    """A new key for a person who never set a password. Earlier keys keep their own end.

    Raises NotFound, NotAllowed, and StateConflict for a person who has a password or also works
    in another workspace: an admin must not be able to take over a colleague's account.
    """
    with transaction.atomic():
        require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
        membership = _access_membership(actor, membership_id)
        user = membership.user
        if user.has_usable_password() or user.memberships.count() > 1:
            raise StateConflict(f"{user.name} signs in with a password of their own.")
        record(actor, "member.link_renewed", membership, {"name": user.name})
    return membership, _set_password_key(user)


def join(*, membership: Membership) -> None:
    """Note that a new person has set the first password, in the caller's transaction."""
    record(
        human(membership.user, membership.tenant),
        "member.joined",
        membership,
        {"name": membership.user.name},
    )


def change_role(*, actor: Actor, membership_id: int, role: str) -> Membership:
    """Give a member another role. Raises NotFound, NotAllowed, InvalidInput, LastAdmin."""
    _check_role(role)
    with transaction.atomic():
        require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
        membership = _access_membership(actor, membership_id)
        before = membership.role
        if role == before:
            return membership
        _keep_an_admin(membership)
        membership.role = role
        membership.save(update_fields=["role"])
        record(
            actor,
            "member.role_changed",
            membership,
            {"name": membership.user.name, "from": before, "to": role},
        )
    return membership


def change_right(*, actor: Actor, membership_id: int, can_activate: bool) -> Membership:
    """Give or take the right to switch ads on. Raises NotFound, NotAllowed."""
    with transaction.atomic():
        require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
        membership = _access_membership(actor, membership_id)
        if membership.can_activate == can_activate:
            return membership
        membership.can_activate = can_activate
        membership.save(update_fields=["can_activate"])
        record(
            actor,
            "member.may_activate" if can_activate else "member.may_not_activate",
            membership,
            {"name": membership.user.name},
        )
    return membership


def remove_member(*, actor: Actor, membership_id: int) -> User:
    """Take a person's access to this workspace away, at once; what they did stays.

    Raises NotFound, NotAllowed, LastAdmin.
    """
    with transaction.atomic():
        require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
        membership = _access_membership(actor, membership_id)
        _keep_an_admin(membership)
        user = membership.user
        record(
            actor,
            "member.removed",
            membership,
            {"name": user.name, "email": user.email, "role": membership.role},
        )
        membership.delete()
    return user


def update_policy(
    *,
    actor: Actor,
    copy_limits: str,
    timezone: str,
    author_may_approve: bool,
    claims: str,
    **numbers: int,
) -> Tenant:
    """Set the rules of the workspace; ``claims`` has one a line, and repeats are dropped.

    ``numbers`` are any of NUMBERS; those left out stay. Raises NotFound, NotAllowed, InvalidInput.
    """
    if copy_limits not in Tenant.CopyLimits.values:
        raise InvalidInput("Choose one of the two ways to treat long text.")
    try:
        validate_timezone(timezone)
    except ValidationError as exc:
        raise InvalidInput(exc.messages[0]) from None
    if not set(numbers) <= set(NUMBERS):
        raise InvalidInput("There is no such rule.")
    try:
        for name, number in numbers.items():
            Tenant(**{name: number}).clean_fields(exclude=set(_FIELDS) - {name})
    except ValidationError:
        raise InvalidInput("One of the numbers is out of range.") from None
    wanted: dict[str, Any] = {
        **numbers,
        "copy_limits": copy_limits,
        "timezone": timezone,
        "author_may_approve": author_may_approve,
        "claims": "\n".join(dict.fromkeys(filter(None, map(str.strip, claims.splitlines())))),
    }
    with transaction.atomic():
        require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
        tenant = Tenant.objects.select_for_update().get(pk=actor.tenant_id)
        before = {name: getattr(tenant, name) for name in wanted}
        changed = {name: value for name, value in wanted.items() if value != before[name]}
        if changed:
            for name, value in changed.items():
                setattr(tenant, name, value)
            tenant.save(update_fields=list(changed))
            moves = {name: {"from": before[name], "to": value} for name, value in changed.items()}
            record(actor, "policy.changed", tenant, moves)
    return tenant


def _check_role(role: str) -> None:
    if role not in Role.values:
        raise InvalidInput("Choose a role: viewer, reviewer or admin.")


def _access_membership(actor: Actor, membership_id: int) -> Membership:
    # The tenant's row is the lock for all its memberships: two admins who demote each other at
    # the same moment must not both succeed.
    Tenant.objects.select_for_update().get(pk=actor.tenant_id)
    membership = (
        Membership.objects.select_related("user")
        .filter(pk=membership_id, tenant_id=actor.tenant_id)
        .first()
    )
    if membership is None:
        raise NotFound
    return membership


def _keep_an_admin(membership: Membership) -> None:
    if membership.role != Role.ADMIN:
        return
    others = Membership.objects.filter(
        tenant_id=membership.tenant_id, role=Role.ADMIN, user__is_active=True
    ).exclude(pk=membership.pk)
    if not others.exists():
        raise LastAdmin


def _set_password_key(user: User) -> SetPasswordKey:
    return SetPasswordKey(
        uidb64=urlsafe_base64_encode(force_bytes(user.pk)),
        token=default_token_generator.make_token(user),
    )
