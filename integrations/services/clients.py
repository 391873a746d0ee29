"""From a stored grant to a client: the vault, the shared session, and what a failure means."""

from __future__ import annotations

from django.conf import settings

from integrations import app_secret
from integrations.meta_ads.client import MetaAdsClient
from integrations.meta_ads.transport import MAX_TRIES, Observer, Transport, make_session
from integrations.meta_ads.types import AccessToken, MetaConfig
from integrations.models import Integration
from integrations.services.version_watch import VersionWatch
from leadmetrics import crypto
from leadmetrics.errors import LeadmetricsError

# One session per process; its pool is as large as the threads that may use it.
_session = make_session(pool_size=32)


class NotConnected(LeadmetricsError):
    """The grant cannot be used now; what waits for it goes on after a reconnect."""

    code = "not_connected"
    user_message = "The Facebook connection cannot be used just now. An admin must reconnect it."


def meta_config() -> MetaConfig:
    """The app's settings, as the client needs them."""
    return MetaConfig(
        app_id=settings.META_APP_ID,
        app_secret=settings.META_APP_SECRET,
        api_version=settings.META_API_VERSION,
        base_url=settings.META_API_BASE_URL,
        dialog_url=settings.META_OAUTH_DIALOG_URL,
        previous_secret=settings.META_APP_SECRET_PREVIOUS,
        on_previous_secret=app_secret.note_previous,
    )


def meta_transport() -> Transport:
    """A transport on this process's shared session."""
    return Transport(meta_config(), _session, observer=VersionWatch())


def meta_client(
    integration: Integration, observer: Observer | None = None, *, tries: int = MAX_TRIES
) -> MetaAdsClient:
    """A client that acts with this grant. Raises NotConnected, crypto.CannotDecrypt.

    The observer, if any, hears what the headers of every answer say. ``tries`` is for reads.
    """
    if not integration.is_usable:
        raise NotConnected
    transport = meta_transport()
    transport.observer, transport.tries = VersionWatch(observer), tries
    return MetaAdsClient(transport, open_token(integration))


def seal_token(integration: Integration, token: AccessToken) -> None:
    """Put the token, sealed for exactly this row, into ``api_key`` (not saved)."""
    integration.api_key = crypto.seal(token.reveal(), place=_place(integration))


def open_token(integration: Integration) -> AccessToken:
    """The token in clear, for the length of a call. Raises crypto.CannotDecrypt."""
    return AccessToken(crypto.unseal(integration.api_key, place=_place(integration)))


def _place(integration: Integration) -> str:
    return f"integration.api_key|{integration.tenant_id}|{integration.pk}"
