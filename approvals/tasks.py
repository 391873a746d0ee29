"""Jobs. Each may run zero, one or many times, also twice at once; the services do not mind."""

from __future__ import annotations

from uuid import UUID

from approvals.services import digest, links, pausing, preflight, push, waiting, watch


def push_variant(push_id: str) -> None:
    """Take one push as far as it goes."""
    push.push_variant(push_id=UUID(push_id))


def sweep_pushes() -> None:
    """Wake what nobody woke."""
    push.sweep_pushes()


def pause_ad(push_id: str) -> None:
    """Pause one ad whose pausing was asked for."""
    pausing.pause_ad(push_id=UUID(push_id))


def look_at_ad(push_id: str) -> None:
    """Read one ad at Meta if that is due."""
    watch.look_at_ad(push_id=UUID(push_id))


def send_digests() -> None:
    """Tell reviewers what waits, where it is morning."""
    digest.send_digests()


def expire_undecided() -> None:
    """Take what nobody decided in time out of the queue."""
    waiting.expire_undecided()


def watch_ads() -> None:
    """Wake the looks, pauses and activations that are due."""
    watch.sweep_looks()
    pausing.wake_acts()


def open_links() -> None:
    """Open the links that wait to be looked at."""
    links.open_links()


def preflight_target(target_id: str) -> None:
    """Ask Meta whether one push target can take an ad."""
    preflight.check_place(target_id=UUID(target_id))


def validate_variant(variant_id: str) -> None:
    """Let Meta check one waiting ad without creating anything."""
    preflight.validate_variant(variant_id=UUID(variant_id))


def preflight_waiting() -> None:
    """Wake the checks of what waits for a decision."""
    preflight.sweep_preflights()
