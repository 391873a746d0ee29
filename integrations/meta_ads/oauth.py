"""Facebook Login for a server: dialog address, code exchange, long-lived token, inspection."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from integrations.meta_ads.errors import ErrorKind, MetaError, MetaTokenError, Unreadable
from integrations.meta_ads.parse import (
    Json,
    read_int,
    read_list,
    read_moment,
    read_object,
    read_optional_id,
    read_text,
)
from integrations.meta_ads.transport import Transport
from integrations.meta_ads.types import AccessToken, MetaConfig, TokenGrant, TokenInfo


def authorize_url(
    config: MetaConfig,
    *,
    redirect_uri: str,
    state: str,
    scopes: Sequence[str],
    rerequest: bool = False,
    config_id: str = "",
    is_system_user: bool = False,
) -> str:
    """Where the person is sent. ``rerequest`` asks again for what was declined before.

    A login configuration replaces the scopes; one that issues system-user tokens says so.
    """
    # Facebook Login: Manually Build a Login Flow
    query = {
        "client_id": config.app_id,
        "redirect_uri": redirect_uri,
        "state": state,
        "response_type": "code",
        **({"config_id": config_id} if config_id else {"scope": ",".join(scopes)}),
    }
    if config_id and is_system_user:
        # Facebook Login for Business: without it such a configuration answers with a token.
        query["override_default_response_type"] = "true"
    if rerequest:
        query["auth_type"] = "rerequest"
    return f"{config.dialog_url}?{urlencode(query)}"


def exchange_code(transport: Transport, *, code: str, redirect_uri: str) -> TokenGrant:
    """The token for a code, which works once. Raises MetaError."""
    # Facebook Login: Manually Build a Login Flow, Exchanging Code for an Access Token
    return _grant(transport, {"redirect_uri": redirect_uri, "code": code})


def exchange_long_lived(
    transport: Transport, token: AccessToken, *, is_system_user: bool = False
) -> TokenGrant:
    """A long-lived token. For a person's that is long-lived already the clock may just run on.

    A system user's 60-day token is renewed, and the old one lives to its own end.
    """
    # Facebook Login: Long-Lived Access Tokens; Business Manager API: System Users
    renew = {"set_token_expires_in_60_days": "true"} if is_system_user else {}
    return _grant(
        transport,
        {"grant_type": "fb_exchange_token", "fb_exchange_token": token.reveal(), **renew},
    )


def inspect_token(transport: Transport, token: AccessToken) -> TokenInfo:
    """What Meta says of a token. An invalid one is an answer, not an error.

    Raises MetaError; a refused token in the question is the app's own, so it is a wrong app secret
    and says nothing about the token asked about.
    """
    # Graph API reference: /debug_token
    # Documented as a GET, so the inspected token stands in its query, which nobody logs; the app's
    # own token goes in the header.
    asked = {"input_token": token.reveal()}
    answer = _as_app(transport, lambda app: transport.get("debug_token", asked, app))
    data = read_object(answer.get("data"))
    error = read_object(data.get("error"))
    if not isinstance(data.get("is_valid"), bool):
        raise Unreadable
    return TokenInfo(
        is_valid=data["is_valid"],
        app_id=read_text(data.get("app_id")),
        user_id=read_optional_id(data.get("user_id")),
        type=read_text(data.get("type")),
        scopes=tuple(read_text(scope) for scope in read_list(data.get("scopes"))),
        expires_at=read_moment(data.get("expires_at")),
        data_access_expires_at=read_moment(data.get("data_access_expires_at")),
        granular={
            read_text(entry.get("scope")): _targets(entry)
            for entry in map(read_object, read_list(data.get("granular_scopes")))
        },
        error_code=read_int(error.get("code")),
        error_subcode=read_int(error.get("subcode")),
    )


def granted_permissions(transport: Transport, token: AccessToken) -> Mapping[str, str]:
    """Permission to granted, declined or expired."""
    # Graph API reference: User, Permissions
    answer = transport.get("me/permissions", {}, token)
    return {
        read_text(entry.get("permission")): read_text(entry.get("status"))
        for entry in map(read_object, read_list(answer.get("data")))
    }


def withdraw(transport: Transport, user_id: str) -> None:
    """Take the app's permissions back from a person, in the app's own name. Raises MetaError."""
    # Graph API reference: User, Permissions; an app access token may remove them for a person.
    _as_app(transport, lambda app: transport.delete(f"{user_id}/permissions", app))


def parse_signed_request(config: MetaConfig, text: str) -> Mapping[str, Any]:
    """The payload of a callback that Meta signed with the app secret, or with the previous one.

    Raises MetaError when the signature, the algorithm or the form is not right.
    """
    # Facebook Login: Parsing the Signed Request
    encoded_signature, _, payload = text.partition(".")
    signature = _unpad(encoded_signature)
    # Nothing of the payload is looked at before its signature is right.
    if not _is_signed(config.app_secret, payload, signature):
        if not config.previous_secret or not _is_signed(config.previous_secret, payload, signature):
            raise MetaError(ErrorKind.BAD_REQUEST)
        config.on_previous_secret("a callback's signature")
    try:
        data = json.loads(_unpad(payload))
    except (ValueError, RecursionError):
        raise Unreadable from None
    if not isinstance(data, dict) or data.get("algorithm") != "HMAC-SHA256":
        raise MetaError(ErrorKind.BAD_REQUEST)
    return data


def _is_signed(secret: str, payload: str, signature: bytes) -> bool:
    expected = hmac.new(secret.encode(), payload.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(signature, expected)


def _as_app(transport: Transport, call: Callable[[AccessToken], Json]) -> Json:
    """A call in the app's own name, once more with the previous secret if Meta refuses ours.

    Raises MetaError; a refused token is the app's own, so it says nothing about anybody's grant.
    """
    config = transport.config
    try:
        return call(_app_token(config.app_id, config.app_secret))
    except MetaTokenError as exc:
        refused = MetaError(ErrorKind.CONFIGURATION, code=exc.meta_code, subcode=exc.meta_subcode)
    if not config.previous_secret:
        raise refused
    try:
        answer = call(_app_token(config.app_id, config.previous_secret))
    except MetaTokenError:
        raise refused from None
    config.on_previous_secret("the app's own token")
    return answer


def _app_token(app_id: str, secret: str) -> AccessToken:
    # Facebook Login: Access Tokens, App Access Tokens
    try:
        return AccessToken(f"{app_id}|{secret}")
    except ValueError:
        raise MetaError(ErrorKind.CONFIGURATION) from None


def _grant(transport: Transport, params: Mapping[str, str]) -> TokenGrant:
    config = transport.config
    # Documented as a GET whose query holds the secret. The transport neither logs addresses nor
    # passes on texts of the HTTP library, so it stays inside this process.
    try:
        answer = _asked_with(transport, config.app_secret, params)
    except MetaError as exc:
        if not config.previous_secret or exc.kind != ErrorKind.CONFIGURATION:
            raise
        # The secret is looked at before the code or token, so neither is used up.
        answer = _asked_with(transport, config.previous_secret, params)
        config.on_previous_secret("oauth/access_token")
    try:
        token = AccessToken(read_text(answer.get("access_token")))
    except ValueError:
        raise Unreadable from None
    return TokenGrant(token, read_int(answer.get("expires_in")))


def _asked_with(transport: Transport, secret: str, params: Mapping[str, str]) -> Json:
    client = {"client_id": transport.config.app_id, "client_secret": secret}
    return transport.get("oauth/access_token", {**client, **params}, None)


def _targets(entry: Mapping[str, Any]) -> tuple[str, ...] | None:
    if "target_ids" not in entry:
        return None
    return tuple(read_text(target) for target in read_list(entry["target_ids"]))


def _unpad(text: str) -> bytes:
    """base64url with or without its padding. Raises Unreadable."""
    bare = text.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise Unreadable from None
