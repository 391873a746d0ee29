"""Switching an ad on at Meta. Only approvals.services.activate may import this module."""

from __future__ import annotations

from integrations.meta_ads.activation import activate_ad as send_active
from integrations.models import Integration
from integrations.services.clients import NotConnected, meta_transport, open_token
from integrations.services.publishing import translated


def activate_ad(*, integration: Integration, ad_id: str) -> None:
    """Set the ad to ACTIVE. Repeatable; raises NotConnected, OutcomeUnknown and WriteRefused."""
    if not integration.is_usable:
        raise NotConnected
    with translated(integration):
        send_active(meta_transport(), open_token(integration), ad_id)
