"""Connecting a person's Facebook account to a tenant, and letting go of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from integrations.access import access_integration
from integrations.meta_ads import oauth
from integrations.meta_ads.client import MetaAdsClient
from integrations.meta_ads.errors import ErrorKind, MetaError
from integrations.meta_ads.transport import Transport
from integrations.meta_ads.types import AccessToken, Me, TokenInfo
from integrations.metadata import IntegrationMetadata
from integrations.models import Integration
from integrations.services.catalog import request_catalog
from integrations.services.clients import meta_config, meta_transport, seal_token
from integrations.services.insights import request_pull
from integrations.services.runs import stop_runs
from integrations.token_states import SOON
from integrations.waiting import RELEASED, release_held
from leadmetrics import queue
from leadmetrics.audit.log import record
from leadmetrics.errors import LeadmetricsError
from leadmetrics.tenancy.actors import Actor, require_role
from leadmetrics.tenancy.models import Role, Tenant

# debug_token: what a business's own token says of its kind.
SYSTEM_USER = "SYSTEM_USER"
# Facebook Login, Manually Build a Login Flow: a code works once.
_CODE_USED = (100, 36009)


class ConnectFailed(LeadmetricsError):
    """The dance with Facebook did not end in a usable grant. Nothing was stored."""

    code = "connect_failed"
    user_message = "Facebook did not complete the connection. Nothing was stored; start again."


class CodeUsed(ConnectFailed):
    """The code was exchanged before: a second click, or the page loaded again."""

    code = "code_used"
    user_message = "This sign-in was used already; it works only once. Start again."


class Disconnected(LeadmetricsError):
    """Why a run ended: somebody disconnected the grant meanwhile."""

    code = "disconnected"
    user_message = "Stopped, because the connection was disconnected."


@dataclass(frozen=True, slots=True)
class Grant:
    """What a finished dance gave: the proved token, who it belongs to, and the permissions."""

    token: AccessToken
    info: TokenInfo
    me: Me
    granted: tuple[str, ...]
    declined: tuple[str, ...]


def redirect_uri() -> str:
    """The address Meta sends people back to; it must be registered in the app, to the letter."""
    return f"{settings.SITE_URL}{reverse('meta_callback')}"


def start_connect(*, actor: Actor, state: str, rerequest: bool = False) -> str:
    """Where to send the person. Raises NotAllowed for anyone but an admin."""
    require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
    return oauth.authorize_url(
        meta_config(),
        redirect_uri=redirect_uri(),
        state=state,
        scopes=settings.META_SCOPES,
        rerequest=rerequest,
        config_id=settings.META_LOGIN_CONFIG_ID,
        is_system_user=settings.META_LOGIN_IS_SYSTEM_USER,
    )


def finish_connect(*, actor: Actor, code: str) -> Integration:
    """The stored, proved grant; the same person's earlier one is replaced in one transaction.

    Raises NotAllowed, and ConnectFailed when Meta refuses or the token is not what it should be.
    """
    require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
    grant = _obtain_grant(code)
    with transaction.atomic():
        require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
        integration = _store(actor, grant)
        request_catalog(integration)
        for account in integration.ad_accounts.filter(enabled=True, gone_at=None):
            request_pull(account)
        _release(actor, integration)
    return integration


def _release(actor: Actor, integration: Integration) -> None:
    """What waited for the grant goes on, once; the log keeps which ads that were."""
    released = [asdict(ad) for ad in release_held(integration)]
    if released:
        details = {"ads": released, "count": len(released), "version": integration.version}
        record(actor, RELEASED, integration, details)


def disconnect(*, actor: Actor, integration_id: UUID) -> Integration:
    """Erase the token at once; history and figures stay. A job withdraws the grant at Meta.

    Repeatable. Raises NotFound, NotAllowed.
    """
    with transaction.atomic():
        require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
        integration = access_integration(actor=actor, integration_id=integration_id, lock=True)
        if integration.status == Integration.Status.DISCONNECTED:
            return integration
        integration.api_key = ""
        integration.status = Integration.Status.DISCONNECTED
        integration.last_error = integration.trouble = ""
        integration.last_checked_at = timezone.now()
        integration.lease_until = None
        integration.version += 1
        integration.save()
        stop_runs(integration, Disconnected())
        record(
            actor, "integration.disconnected", integration, {"person": integration.meta_user_name}
        )
        queue.enqueue("integrations.tasks.revoke_grant", integration.pk)
        # Another person's grant may reach the same; its catalog says so and takes over.
        others = Integration.objects.filter(
            tenant=integration.tenant_id, status__in=Integration.USABLE
        )
        for other in others.exclude(api_key=""):
            request_catalog(other)
    return integration


def _obtain_grant(code: str) -> Grant:
    transport = meta_transport()
    try:
        short = oauth.exchange_code(transport, code=code, redirect_uri=redirect_uri())
        token = short.token
        if not settings.META_LOGIN_IS_SYSTEM_USER:  # a business's own token is long-lived already
            token = oauth.exchange_long_lived(transport, token).token
        info = oauth.inspect_token(transport, token)
        permissions = _permissions(transport, token, info)
        me = MetaAdsClient(transport, token).me()
    except MetaError as exc:
        raise _failed(exc) from None
    if not info.is_valid or info.app_id != settings.META_APP_ID or info.user_id != me.id:
        raise ConnectFailed("Facebook gave a token that is not for this app. Nothing was stored.")
    granted = tuple(sorted(name for name, state in permissions.items() if state == "granted"))
    declined = tuple(scope for scope in settings.META_SCOPES if scope not in granted)
    return Grant(token, info, me, granted, declined)


def _permissions(transport: Transport, token: AccessToken, info: TokenInfo) -> Mapping[str, str]:
    if info.type == SYSTEM_USER:  # it has no list of its own; its scopes stand in the read-back
        return dict.fromkeys(info.scopes, "granted")
    return oauth.granted_permissions(transport, token)


def _failed(exc: MetaError) -> ConnectFailed:
    if (exc.meta_code, exc.meta_subcode) == _CODE_USED:
        return CodeUsed()
    if exc.kind in (ErrorKind.CONFIGURATION, ErrorKind.VERSION):
        return ConnectFailed(exc.user_message)
    if exc.kind in (ErrorKind.TRANSIENT, ErrorKind.UNREADABLE, ErrorKind.THROTTLED):
        return ConnectFailed(
            "Facebook did not answer properly. Nothing was stored; try again in a few minutes."
        )
    return ConnectFailed("Facebook did not accept the sign-in. Nothing was stored; start again.")


def _store(actor: Actor, grant: Grant) -> Integration:
    tenant = Tenant.objects.get(pk=actor.tenant_id)
    existing = (
        Integration.objects.select_for_update()
        .filter(tenant=tenant, provider="meta_ads", meta_user_id=grant.me.id)
        .first()
    )
    integration = existing or Integration(tenant=tenant, meta_user_id=grant.me.id)
    defaults = integration.defaults
    integration.metadata = IntegrationMetadata(
        ad_account_id=defaults.ad_account_id,
        business_id=defaults.business_id,
        page_id=defaults.page_id,
        token_expires_at=grant.info.expires_at,
    ).as_json()
    seal_token(integration, grant.token)
    integration.meta_user_name = grant.me.name
    integration.granted_scopes = list(grant.granted)
    integration.declined_scopes = list(grant.declined)
    integration.data_access_expires_at = grant.info.data_access_expires_at
    integration.connected_by_id = actor.user_id  # type: ignore[assignment]  # an admin is human
    integration.connected_at = integration.last_checked_at = timezone.now()
    integration.last_error = integration.trouble = ""
    integration.trouble_since = integration.lease_until = None
    integration.is_system_user = grant.info.type == SYSTEM_USER
    integration.version += 1 if existing else 0
    integration.status = status_for(grant.info)
    integration.save()
    integration.ad_accounts.exclude(held_because="").update(held_because="")
    record(
        actor,
        "integration.reconnected" if existing else "integration.connected",
        integration,
        {"person": grant.me.name, "granted": grant.granted, "declined": grant.declined},
    )
    return integration


def status_for(info: TokenInfo) -> Integration.Status:
    """Connected, or expiring when the token or the access to data ends within seven days."""
    ends = [end for end in (info.expires_at, info.data_access_expires_at) if end is not None]
    if ends and min(ends) <= timezone.now() + SOON:
        return Integration.Status.EXPIRING
    return Integration.Status.CONNECTED
