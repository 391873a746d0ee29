"""The one door to Graph: sends, waits, retries reads, and turns every failure into a MetaError.

Rules it keeps: the token travels only in the Authorization header; redirects, proxies and netrc are
off; reads are retried, writes are sent once; the whole call has a deadline, because a read timeout
counts each read and a dripping server would hold a worker for ever; texts of the HTTP library are
never passed on, for they may hold addresses.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectTimeout

from integrations.meta_ads.errors import (
    OUTCOME_UNKNOWN_CODES,
    ErrorKind,
    MetaError,
    MetaTokenError,
    Unreadable,
    classify,
)
from integrations.meta_ads.types import AccessToken, MetaConfig, UsageSnapshot
from integrations.meta_ads.usage import read_usage

logger = logging.getLogger(__name__)

MAX_BODY = 5 * 1024 * 1024
MAX_TRIES = 4
_RETRIED = (ErrorKind.TRANSIENT, ErrorKind.UNREADABLE)

# The library's debug lines show whole addresses, and debug_token needs a token in its query.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


class Observer(Protocol):
    """Whoever wants to know what the headers said."""

    def on_usage(self, ad_account_id: str, usage: UsageSnapshot) -> None:
        """The usage headers of one answer, good or bad."""

    def on_version(self, answered: str, warning: str) -> None:
        """The version that really answered, and Meta's warning about it, if any."""


@dataclass(slots=True)
class Transport:
    """Calls Graph with one session. ``sleep``, ``clock`` and ``jitter`` exist for tests."""

    config: MetaConfig
    session: requests.Session
    observer: Observer | None = None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = field(default=random.random)

    def get(self, path: str, params: Mapping[str, Any], token: AccessToken | None) -> Any:
        """A read, retried with growing, jittered waits while Meta is unwell. Raises MetaError."""
        for attempt in range(1, MAX_TRIES + 1):
            try:
                return self._send("GET", path, params, None, token)
            except MetaError as exc:
                if exc.kind not in _RETRIED or attempt == MAX_TRIES:
                    raise
            self.sleep(0.5 * 2**attempt * (0.5 + self.jitter()))
        raise AssertionError("unreachable")

    def post(
        self,
        path: str,
        data: Mapping[str, Any],
        token: AccessToken,
        files: Mapping[str, tuple[str, bytes]] | None = None,
    ) -> Any:
        """A write, sent exactly once. Raises MetaError; look at ``outcome_unknown``."""
        return self._send("POST", path, data, files, token)

    def delete(self, path: str, token: AccessToken) -> Any:
        """A removal, sent exactly once."""
        return self._send("DELETE", path, {}, None, token)

    def pages(
        self, path: str, params: Mapping[str, Any], token: AccessToken
    ) -> Iterator[tuple[list[Any], bool]]:
        """Each page's items, and whether it is the last one.

        Only the cursor is followed, never the ``next`` address, which carries the token. A page may
        be empty while ``next`` exists; only its absence ends the list.
        """
        after = ""
        while True:
            answer = self.get(path, {**params, "after": after} if after else params, token)
            items, following = read_page(answer)
            yield items, not following
            if not following:
                return
            if following == after:
                raise Unreadable
            after = following

    def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any],
        files: Mapping[str, tuple[str, bytes]] | None,
        token: AccessToken | None,
    ) -> Any:
        is_write = method != "GET"
        values = {name: _wire(value) for name, value in params.items()}
        headers = {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token.reveal()}"
            values["appsecret_proof"] = proof(token, self.config.app_secret)
        ends_at = self.clock() + self.config.deadline
        try:
            response = self.session.request(
                method,
                f"{self.config.base_url}/{self.config.api_version}/{path}",
                params=values if method != "POST" else None,
                data=values if method == "POST" else None,
                files=files,
                headers=headers,
                timeout=(self.config.connect_timeout, self.config.read_timeout),
                allow_redirects=False,
                stream=True,
            )
            with response:
                body = self._read(response, ends_at)
        except requests.RequestException as exc:
            raise MetaError(
                ErrorKind.TRANSIENT, outcome_unknown=is_write and not _never_connected(exc)
            ) from None
        self._tell(path, response)
        return _answer(response, body, is_write=is_write)

    def _read(self, response: requests.Response, ends_at: float) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(65536):
            body += chunk
            if len(body) > MAX_BODY or self.clock() > ends_at:
                raise requests.ReadTimeout
        return bytes(body)

    def _tell(self, path: str, response: requests.Response) -> None:
        if self.observer is None:
            return
        account = next((part for part in path.split("/") if part.startswith("act_")), "")
        usage = read_usage(response.headers)
        if usage is not None:
            self.observer.on_usage(account, usage)
        self.observer.on_version(
            response.headers.get("facebook-api-version", ""),
            response.headers.get("x-ad-api-version-warning", ""),
        )


def make_session(pool_size: int = 8) -> requests.Session:
    """A session for a process and its thread pool; the pool has one connection per thread."""
    session = requests.Session()
    session.trust_env = False
    session.max_redirects = 0
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=pool_size, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def proof(token: AccessToken, app_secret: str) -> str:
    """appsecret_proof: hex HMAC-SHA256 of the token under the app secret (Login Security)."""
    return hmac.new(app_secret.encode(), token.reveal().encode(), hashlib.sha256).hexdigest()


def read_page(answer: Any) -> tuple[list[Any], str]:
    """The items of a page and the cursor of the following one, empty at the end."""
    if not isinstance(answer, dict) or not isinstance(answer.get("data"), list):
        raise Unreadable
    paging = answer.get("paging") or {}
    if not isinstance(paging, dict):
        raise Unreadable
    if "next" not in paging:
        return answer["data"], ""
    cursors = paging.get("cursors")
    after = cursors.get("after") if isinstance(cursors, dict) else None
    if not isinstance(after, str) or not after:
        raise Unreadable
    return answer["data"], after


def _wire(value: Any) -> str:
    """Graph takes structures and booleans as JSON text, everything else as it is."""
    if isinstance(value, dict | list | bool):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value)


def _answer(response: requests.Response, body: bytes, *, is_write: bool) -> Any:
    unknown = is_write and response.status_code >= 300
    try:
        answer = json.loads(body, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError):
        if response.status_code == 401:
            raise MetaTokenError(ErrorKind.RECONNECT) from None
        raise _unread(response.status_code, is_write=is_write) from None
    if isinstance(answer, dict) and "error" in answer:
        raise _error(response, answer["error"], is_write=is_write)
    if response.status_code == 401:
        raise MetaTokenError(ErrorKind.RECONNECT)
    if not response.ok or response.status_code >= 300:
        raise _unread(response.status_code, is_write=unknown)
    return answer


def _unread(status: int, *, is_write: bool) -> MetaError:
    if status >= 500 or status == 429:
        return MetaError(ErrorKind.TRANSIENT, outcome_unknown=is_write)
    return Unreadable(outcome_unknown=is_write)


def _error(response: requests.Response, error: Any, *, is_write: bool) -> MetaError:
    code = _number(error.get("code")) if isinstance(error, dict) else None
    if not isinstance(error, dict) or code is None:
        if response.status_code == 401:
            return MetaTokenError(ErrorKind.RECONNECT)
        return Unreadable(outcome_unknown=is_write)
    subcode = _number(error.get("error_subcode"))
    kind = classify(code, subcode, str(error.get("message", "")), type=str(error.get("type", "")))
    if response.status_code == 401:
        kind = ErrorKind.RECONNECT
    usage = read_usage(response.headers)
    waits = usage is not None and usage.wait_seconds and kind == ErrorKind.THROTTLED
    trace = str(error.get("fbtrace_id", ""))[:40]
    logger.info("Meta error %s/%s, trace %s", code, subcode, trace)
    family = MetaTokenError if kind == ErrorKind.RECONNECT else MetaError
    return family(
        kind,
        code=code,
        subcode=subcode,
        fbtrace_id=trace,
        wait_seconds=usage.wait_seconds if usage is not None and waits else None,
        outcome_unknown=is_write and (code in OUTCOME_UNKNOWN_CODES or response.status_code >= 500),
    )


def _never_connected(exc: requests.RequestException) -> bool:
    """Whether the connection itself failed, so that nothing can have been sent."""
    if isinstance(exc, ConnectTimeout):
        return True
    reason = getattr(exc.args[0], "reason", None) if exc.args else None
    return type(reason).__name__ in ("NewConnectionError", "NameResolutionError")


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _refuse(_constant: str) -> Any:
    raise ValueError("NaN and Infinity are not JSON")
