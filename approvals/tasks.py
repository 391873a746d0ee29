"""Jobs. Each may run zero, one or many times, also twice at once; the services do not mind."""

from __future__ import annotations

from uuid import UUID

from approvals.services import push


def push_variant(push_id: str) -> None:
    """Take one push as far as it goes."""
    push.push_variant(push_id=UUID(push_id))


def sweep_pushes() -> None:
    """Wake what nobody woke."""
    push.sweep_pushes()
