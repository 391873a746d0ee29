"""The one job that can switch an ad on, apart from all others, so that no other can reach it."""

from __future__ import annotations

from uuid import UUID

from approvals.services import activate


def activate_ad(activation_id: str) -> None:
    """Carry out one person's activation."""
    activate.activate_ad(activation_id=UUID(activation_id))
