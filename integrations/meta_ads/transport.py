"""The one door to Graph: sends, waits, retries reads, and turns every failure into a MetaError.

Rules it keeps: the token travels only in the Authorization header; redirects, proxies, netrc and
cookies are off; reads are retried, writes are sent once; the whole call, retries included, has a
deadline; texts of the HTTP library are neither logged nor passed on, for they may hold addresses.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Protocol, TypeVar

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectTimeout
from urllib3.exceptions import HTTPError, NewConnectionError

from integrations.meta_ads.answers import read_answer
from integrations.meta_ads.deadline import POOL_CLASSES, deadline
from integrations.meta_ads.error_table import look_up
from integrations.meta_ads.errors import ErrorKind, MetaError
from integrations.meta_ads.parse import Json
from integrations.meta_ads.types import AccessToken, MetaConfig, UsageSnapshot
from integrations.meta_ads.usage import read_usage

logger = logging.getLogger(__name__)

MAX_BODY = 5 * 1024 * 1024
MAX_TRIES = 4
FIRST_WAIT = 1.0
# Securing Graph API Requests: the code of a wrong or missing appsecret_proof.
_WRONG_PROOF = 100
_RETRIED = (ErrorKind.TRANSIENT, ErrorKind.UNREADABLE)
_PATH = re.compile(r"[A-Za-z0-9_]+(/[A-Za-z0-9_]+)?")
_ACCOUNT = re.compile(r"act_\d+")
_QUERY = re.compile(r"\?\S*")

Files = Mapping[str, tuple[str, bytes]]
T = TypeVar("T")
# Threads gain nothing by turning answers into objects side by side, and each page takes several
# megabytes while it is done: one page at a time, however many are on their way.
_one_at_a_time = threading.Lock()


class Observer(Protocol):
    """Whoever wants to know what the headers said. Its own failures never fail a call."""

    def on_usage(self, ad_account_id: str, usage: UsageSnapshot) -> None:
        """What an answer's headers, or its throttle, say; the id is empty outside an account."""

    def on_version(self, answered: str, warning: str) -> None:
        """The version that really answered, and Meta's warning about it, if any."""


@dataclass(slots=True)
class Transport:
    """Calls Graph with one session, which threads may share.

    ``tries`` is how often a read is made at most; a person who waits for a page wants one.
    ``sent`` counts exchanges, retries and failures too; not to be relied on among threads.
    ``sleep``, ``clock`` (seconds, monotonic) and ``jitter`` (0 to 1) exist for tests.
    """

    config: MetaConfig
    session: requests.Session
    observer: Observer | None = None
    tries: int = MAX_TRIES
    sent: int = 0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random

    def get(self, path: str, params: Mapping[str, Any], token: AccessToken | None) -> Json:
        """A read, retried with growing, jittered waits while Meta is unwell. Raises MetaError."""
        return self.read(path, params, token, _as_it_is)

    def read(
        self,
        path: str,
        params: Mapping[str, Any],
        token: AccessToken | None,
        parse: Callable[[Json], T],
    ) -> T:
        """What ``parse`` makes of the answer to a read. Raises MetaError, and what it raises.

        It gives up after ``tries``, or when the next wait would pass the deadline; an answer that
        ``parse`` finds Unreadable is asked for again, too.
        """
        ends_at = self.clock() + self.config.deadline
        seen: set[tuple[int | None, int | None]] = set()
        for attempt in range(self.tries):
            try:
                return self._send("GET", path, params, None, token, ends_at, parse)
            except MetaError as exc:
                error = _seen_again(exc) if (exc.meta_code, exc.meta_subcode) in seen else exc
                seen.add((exc.meta_code, exc.meta_subcode))
            wait = max(
                FIRST_WAIT * 2**attempt * (0.5 + self.jitter()),
                error.wait_seconds or 0.0,
            )
            is_last = attempt == self.tries - 1 or self.clock() + wait >= ends_at
            # A page is asked for in smaller parts; anything else that is too large is no answer.
            too_large = error.kind == ErrorKind.TOO_MUCH_DATA and "limit" not in params
            if not (error.kind in _RETRIED or too_large) or is_last:
                raise error
            self.sleep(wait)
        raise AssertionError("unreachable")

    def post(
        self,
        path: str,
        data: Mapping[str, Any],
        token: AccessToken,
        files: Files | None = None,
    ) -> Json:
        """A write, sent exactly once. Raises MetaError; look at ``outcome_unknown``."""
        ends_at = self.clock() + self.config.deadline
        return self._send("POST", path, data, files, token, ends_at, _as_it_is)

    def delete(self, path: str, token: AccessToken) -> Json:
        """A removal, sent exactly once."""
        ends_at = self.clock() + self.config.deadline
        return self._send("DELETE", path, {}, None, token, ends_at, _as_it_is)

    def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any],
        files: Files | None,
        token: AccessToken | None,
        ends_at: float,
        parse: Callable[[Json], T],
    ) -> T:
        """One exchange, and one more with the previous app secret's proof if Meta refuses ours.

        Meta looks at the proof before anything else, so a refused write was not carried out.
        """
        previous = self.config.previous_secret if token is not None else ""
        try:
            return self._send_once(
                method, path, params, files, token, ends_at, parse, self.config.app_secret
            )
        except MetaError as exc:
            if not previous or not _is_wrong_proof(exc):
                raise
        answer = self._send_once(method, path, params, files, token, ends_at, parse, previous)
        self.config.on_previous_secret(f"{method} {path}")
        return answer

    def _send_once(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any],
        files: Files | None,
        token: AccessToken | None,
        ends_at: float,
        parse: Callable[[Json], T],
        secret: str,
    ) -> T:
        if not _PATH.fullmatch(path):
            raise MetaError(ErrorKind.BAD_REQUEST)
        is_write = method != "GET"
        failure: MetaError | None = None
        self.sent += 1
        try:
            with deadline(lambda: ends_at - self.clock()):
                status, headers, body = self._exchange(
                    method, path, params, files, token, ends_at, secret
                )
        except (requests.RequestException, HTTPError, HTTPException, OSError) as exc:
            failure = MetaError(
                ErrorKind.TRANSIENT, outcome_unknown=is_write and not _never_connected(exc)
            )
        if failure is not None:  # raised out here, so that it does not drag the other along
            logger.info("no answer from Meta: %s %s", method, path)
            raise failure
        usage = read_usage(headers)
        self._tell(path, usage, headers)
        if body is None:
            raise MetaError(ErrorKind.TOO_MUCH_DATA, outcome_unknown=is_write)
        try:
            with _one_at_a_time:
                return parse(read_answer(status, headers, body, is_write=is_write))
        except MetaError as exc:
            if _closes_account(exc) and not (usage and usage.is_used_up):
                self._tell(path, UsageSnapshot(100.0, exc.wait_seconds or 0.0), {})
            raise

    def _exchange(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any],
        files: Files | None,
        token: AccessToken | None,
        ends_at: float,
        secret: str,
    ) -> tuple[int, Mapping[str, str], bytearray | None]:
        """Status, headers and body of one exchange; the body is None when it is too large."""
        values = {name: _wire(value) for name, value in params.items()}
        headers = {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token.reveal()}"
            values["appsecret_proof"] = proof(token, secret)
        with self.session.request(
            method,
            f"{self.config.base_url}/{self.config.api_version}/{path}",
            params=values if method != "POST" else None,
            data=values if method == "POST" else None,
            files=files,
            headers=headers,
            timeout=(self.config.connect_timeout, self.config.read_timeout),
            allow_redirects=False,
            stream=True,
        ) as response:
            body = bytearray()
            for chunk in response.iter_content(262_144):
                body += chunk
                if len(body) > MAX_BODY:
                    return response.status_code, response.headers, None
                if self.clock() > ends_at:
                    raise requests.ReadTimeout
            return response.status_code, response.headers, body

    def _tell(self, path: str, usage: UsageSnapshot | None, headers: Mapping[str, str]) -> None:
        if self.observer is None:
            return
        first = path.split("/")[0]
        answered = headers.get("facebook-api-version", "")[:20]
        warning = headers.get("x-ad-api-version-warning", "")[:500]
        try:
            if usage is not None:
                self.observer.on_usage(first if _ACCOUNT.fullmatch(first) else "", usage)
            if answered or warning:
                self.observer.on_version(answered, warning)
        except Exception:  # the write may be done; losing its answer here would hide that
            logger.exception("the observer of Meta's headers failed")


class _Session(requests.Session):
    """Without redirects. The library reads a redirect's whole body even when it may not follow."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - the library's
        return None


class _Adapter(HTTPAdapter):
    """Connections that keep the deadline, and no retries below ours."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOL_CLASSES


class _WithoutQueries(logging.Filter):
    """Takes the query out of the HTTP library's log lines.

    Code exchange and debug_token are documented as GET, with secrets in the query. The library
    writes whole addresses when debugging, and as a warning when the headers of an answer are odd.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                value if isinstance(value, int | float) else _QUERY.sub("?***", str(value))
                for value in record.args
            )
        return True


for _name in ("connection", "connectionpool", "util.retry"):
    logging.getLogger(f"urllib3.{_name}").addFilter(_WithoutQueries())


def make_session(pool_size: int = 8) -> requests.Session:
    """A session for a process and its thread pool; the pool has one connection per thread.

    It takes no cookies: they would travel from one tenant's call to the next one's.
    """
    session = _Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = "leadmetrics"
    adapter = _Adapter(pool_connections=1, pool_maxsize=pool_size, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def proof(token: AccessToken, app_secret: str) -> str:
    """appsecret_proof: hex HMAC-SHA256 of the token under the app secret."""
    # Facebook Login: Securing Graph API Requests
    return hmac.new(app_secret.encode(), token.reveal().encode(), hashlib.sha256).hexdigest()


def _closes_account(exc: MetaError) -> bool:
    """Whether nothing may be asked for a while. A limit with a time of its own is one of writes."""
    row = look_up(exc.meta_code or 0, exc.meta_subcode)
    return exc.kind == ErrorKind.THROTTLED and row.wait is None


def _is_wrong_proof(exc: MetaError) -> bool:
    return exc.kind == ErrorKind.CONFIGURATION and exc.meta_code == _WRONG_PROOF


def _as_it_is(answer: Json) -> Json:
    return answer


def _wire(value: Any) -> str:
    """Graph takes structures and booleans as JSON text, everything else as it is."""
    if isinstance(value, dict | list | bool):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value)


def _seen_again(error: MetaError) -> MetaError:
    """The same error once more: for a few numbers that means it is not temporary after all."""
    again = look_up(error.meta_code or 0, error.meta_subcode).again
    if again is None:
        return error
    return MetaError(
        again,
        code=error.meta_code,
        subcode=error.meta_subcode,
        fbtrace_id=error.fbtrace_id,
    )


def _never_connected(exc: Exception) -> bool:
    """Whether the connection itself failed, so that nothing can have been sent."""
    if isinstance(exc, ConnectTimeout):
        return True
    reason = getattr(exc.args[0], "reason", None) if exc.args else None
    return isinstance(reason, NewConnectionError)
