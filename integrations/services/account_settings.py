"""What an ad account's new push targets start with, and what counts as its conversion."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction

from integrations.access import access_ad_account
from integrations.models import AdAccount, Page
from integrations.services.insights import read_all_again
from leadmetrics.audit.log import record
from leadmetrics.errors import InvalidInput
from leadmetrics.tenancy.actors import Actor, require_role
from leadmetrics.tenancy.models import Role

_FIELDS = ("use_instagram", "default_link", "url_tags", "conversion_action_type")


@dataclass(frozen=True, slots=True)
class Copied:
    """How copying went: the accounts, and those whose grant does not reach the Page."""

    accounts: list[AdAccount]
    without_page: list[AdAccount]


def save_settings(
    *,
    actor: Actor,
    pk: int,
    page: Page | None,
    use_instagram: bool,
    default_link: str,
    url_tags: str,
    conversion_action_type: str,
) -> AdAccount:
    """Keep the account's settings. Raises NotFound, NotAllowed, and InvalidInput by field."""
    with transaction.atomic():
        require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
        account = access_ad_account(actor=actor, pk=pk)
        if page is not None and page.integration_id != account.integration_id:
            raise _problem("page", "This Page is not part of this connection.")
        if use_instagram and (page is None or not page.instagram_account_id):
            raise _problem("use_instagram", "Choose a Page that has an Instagram account.")
        values: dict[str, str | bool] = {
            "use_instagram": use_instagram,
            "default_link": default_link,
            "url_tags": url_tags,
            "conversion_action_type": conversion_action_type,
        }
        _apply(actor, account, page, values)
    return account


def copy_settings(*, actor: Actor, pk: int, to: Collection[int]) -> Copied:
    """Give other accounts of the workspace the same settings; all or none.

    Where another grant does not reach the Page, the account keeps its own. Raises NotFound,
    NotAllowed.
    """
    copied = Copied([], [])
    with transaction.atomic():
        require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
        source = access_ad_account(actor=actor, pk=pk)
        for other_pk in sorted(set(to) - {pk}):
            account = access_ad_account(actor=actor, pk=other_pk)
            page = _same_page(source, account)
            values: dict[str, str | bool] = {name: getattr(source, name) for name in _FIELDS}
            if source.default_page is not None and page is None:
                copied.without_page.append(account)
                page = account.default_page
                values["use_instagram"] = account.use_instagram
            _apply(actor, account, page, values)
            copied.accounts.append(account)
    return copied


def _apply(
    actor: Actor, account: AdAccount, page: Page | None, values: dict[str, str | bool]
) -> None:
    before = {name: getattr(account, name) for name in ("default_page_id", *_FIELDS)}
    account.default_page = page
    for name, value in values.items():
        setattr(account, name, value)
    after = {name: getattr(account, name) for name in before}
    if before == after:
        return
    account.save(update_fields=["default_page", *_FIELDS])
    changed = {name: value for name, value in after.items() if value != before[name]}
    record(actor, "ad_account.settings", account, {"name": account.name, **changed})
    if "conversion_action_type" in changed:
        read_all_again(account)


def _same_page(source: AdAccount, account: AdAccount) -> Page | None:
    if source.default_page is None:
        return None
    return account.integration.pages.filter(
        page_id=source.default_page.page_id, gone_at=None
    ).first()


def _problem(field: str, message: str) -> InvalidInput:
    return InvalidInput(
        message, problems=[{"code": "not_possible", "field": field, "message": message}]
    )
