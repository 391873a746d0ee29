"""Named moments at which a process may die. In the product nothing happens at any of them.

Before and after each commit and call of a push there is a point. The suite puts a handler here that
ends the process at one of them, and then looks whether anything was lost or doubled. There is no
setting for it: only code that runs inside the process can do so.
"""

from __future__ import annotations

from collections.abc import Callable

handler: Callable[[str], None] | None = None


def reached(name: str) -> None:
    """Work is at this point now."""
    if handler is not None:
        handler(name)
