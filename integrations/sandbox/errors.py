"""Meta's error envelope, and the errors the stand-in raises by name."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

TOKEN_MESSAGES = {
    458: "Error validating access token: The user has not authorized application {app}.",
    459: "Error validating access token: You cannot access the app till you log in to "
    "www.facebook.com and follow the instructions given.",
    460: "Error validating access token: The session has been invalidated because the user "
    "changed their password or Facebook has changed the session for security reasons.",
    463: "Error validating access token: Session has expired.",
    464: "Error validating access token: Sessions for the user are not allowed because the user "
    "is not a confirmed user.",
    467: "Error validating access token: The session is invalid because the user logged out.",
    492: "Error validating access token: Session does not match current stored session.",
    493: "Error validating access token: Data access has expired. The user must log in again.",
}


class GraphError(Exception):
    """One refusal. `status` is the HTTP status; `bare` leaves all but code and message out."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        subcode: int | None = None,
        status: int = 400,
        kind: str = "OAuthException",
        title: str = "",
        user_message: str = "",
        blame: Iterable[Iterable[str]] = (),
        transient: bool = False,
        bare: bool = False,
        challenge: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.subcode = subcode
        self.status = status
        self.kind = kind
        self.title = title
        self.user_message = user_message
        self.blame = [list(path) for path in blame]
        self.transient = transient
        self.bare = bare
        self.challenge = challenge

    def envelope(self) -> dict[str, Any]:
        """The JSON body: `{"error": {...}}`, absent parts left out as Meta does."""
        if self.bare:
            return {"error": {"code": self.code, "message": self.message}}
        error: dict[str, Any] = {"message": self.message, "type": self.kind, "code": self.code}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        error["is_transient"] = self.transient
        if self.title:
            error["error_user_title"] = self.title
        if self.user_message:
            error["error_user_msg"] = self.user_message
        if self.blame:
            error["error_data"] = {"blame_field_specs": self.blame}
        error["fbtrace_id"] = "A" + secrets.token_urlsafe(16)
        return {"error": error}

    def headers(self) -> list[tuple[str, str]]:
        """The `WWW-Authenticate` header of token and code refusals."""
        if not self.challenge:
            return []
        text = self.message.replace('"', "'")
        return [("WWW-Authenticate", f'OAuth "Facebook Platform" "{self.challenge}" "{text}"')]


def invalid(message: str, *path: str, subcode: int | None = None, **parts: Any) -> GraphError:
    """Code 100; `path` names the field to blame."""
    return GraphError(
        100, f"(#100) {message}", subcode=subcode, blame=[path] if path else (), **parts
    )


def missing(object_id: str, method: str = "get") -> GraphError:
    """100/33: gone, unseen or unsupported; Meta does not say which."""
    return GraphError(
        100,
        f"Unsupported {method} request. Object with ID '{object_id}' does not exist, cannot be "
        "loaded due to missing permissions, or does not support this operation.",
        subcode=33,
        kind="GraphMethodException",
    )


def dead_token(subcode: int | None, app_id: str, message: str = "") -> GraphError:
    """190 with the subcode that says why; always HTTP 400."""
    text = message or TOKEN_MESSAGES.get(subcode or 0, "Invalid OAuth access token.")
    return GraphError(190, text.format(app=app_id), subcode=subcode, challenge="invalid_token")


def no_permission(message: str, code: int = 200, subcode: int | None = None) -> GraphError:
    """The 200-299 family. Meta's HTTP status for it is not established; 403 here."""
    return GraphError(code, f"(#{code}) {message}", subcode=subcode, status=403)
