"""What waits for a grant, and what grants wait for. The apps above say it when they are loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from integrations.models import Integration

# The audit line that keeps which ads a reconnect released.
RELEASED = "integration.released"


@dataclass(frozen=True, slots=True)
class HeldAd:
    """An approved ad that cannot be sent while its grant is not usable."""

    title: str
    path: str
    target: str


@dataclass(slots=True)
class Desk:
    """How to list and to release what waits, and why to hold; empty until an app registers."""

    held: Callable[[Integration], Sequence[HeldAd]] = lambda _integration: ()
    release: Callable[[Integration], Sequence[HeldAd]] = lambda _integration: ()
    doubt: Callable[[], str] = lambda: ""


desk = Desk()


def held_by(integration: Integration) -> Sequence[HeldAd]:
    """The approved ads that wait for this grant, oldest first."""
    return desk.held(integration)


def release_held(integration: Integration) -> Sequence[HeldAd]:
    """Wake those that were put off, once, in the caller's transaction; returns which."""
    return desk.release(integration)


def why_to_hold() -> str:
    """Why this database, which was restored, must not undo anything at Meta yet; else empty."""
    return desk.doubt()


def held_in_words(count: int, verb: str = "would wait") -> str:
    """How much stands still without the grant, as a sentence."""
    if not count:
        return "No approved ad waits for it now."
    return f"{count} approved ad{'' if count == 1 else 's'} {verb}."
