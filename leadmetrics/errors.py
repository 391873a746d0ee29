"""The root of the product's own errors: all that a person may read about a failure."""

from __future__ import annotations


class LeadmetricsError(Exception):
    """A failure we understand.

    ``user_message`` is shown to people as it is: what happened, what it means for their work, the
    next step. ``code`` is stable and goes to agents and logs. Neither ever holds a secret or a
    vendor's raw text.
    """

    code = "error"
    user_message = "That did not work. Nothing was changed; please try again."

    def __init__(self, user_message: str = "") -> None:
        if user_message:
            self.user_message = user_message
        super().__init__(self.user_message)


class NotFound(LeadmetricsError):
    """The object does not exist, or belongs to another tenant: the two must look the same."""

    code = "not_found"
    user_message = "This page or item does not exist, or you have no access to it."


class NotAllowed(LeadmetricsError):
    """The person is a member, but the role does not cover this."""

    code = "not_allowed"
    user_message = "Your role does not allow this. Ask an admin of this workspace."


class StateConflict(LeadmetricsError):
    """The object moved on since it was shown; the act does not count."""

    code = "state_conflict"
    user_message = "This has changed since you opened it. Nothing was done; look again."


class InvalidInput(LeadmetricsError):
    """Input that a person or an agent can correct.

    ``problems`` is a list of ``{code, field, message, limit?, found?}``.
    """

    code = "invalid"
    user_message = "Some fields need another look."

    def __init__(self, user_message: str = "", *, problems: list[dict[str, object]] | None = None):
        super().__init__(user_message)
        self.problems = problems or []
