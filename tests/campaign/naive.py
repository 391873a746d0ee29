"""The obvious way to push: create the creative, create the ad, then store its id.

The campaign must catch it, as proof that it can fail.
"""

from __future__ import annotations

from uuid import UUID

from approvals.models import Push
from approvals.states import PushState
from integrations.services import publishing


def push_variant(*, push_id: UUID) -> None:
    """Send unless an id is stored already."""
    push = Push.objects.get(pk=push_id)
    if push.ad_id:
        return
    integration = push.variant.target.ad_account.integration
    content = publishing.creative_spec(push.payload, reference=push.reference, image_hash="")
    creative_id = publishing.create_creative(
        integration=integration, ad_account_id=push.payload["ad_account_id"], spec=content
    )
    ad = publishing.ad_spec(push.payload, reference=push.reference, creative_id=creative_id)
    ad_id = publishing.create_paused_ad(integration=integration, spec=ad)
    push.ad_id, push.state = ad_id, PushState.DONE
    push.save()
