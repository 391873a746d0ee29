"""The one place in the product that asks Meta to run an ad."""

from __future__ import annotations

from integrations.meta_ads.transport import Transport
from integrations.meta_ads.types import AccessToken


def activate_ad(transport: Transport, token: AccessToken, ad_id: str) -> None:
    """Set an ad to ACTIVE; repeating it changes nothing. From now on it can spend money."""
    # Marketing API reference: Ad
    transport.post(ad_id, {"status": "ACTIVE"}, token)
