"""Owns the calls themselves: one session kept alive, the pace, the login, errors in our own words."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO
from time import monotonic

import aiohttp
from yarl import URL

from marea.connectors.rest.answers import Answer, Unreadable, dig, failure
from marea.connectors.rest.options import Login, Options
from marea.connectors.rest.rate import Bucket
from marea.connectors.rest.retry import ENDED, Failure
from marea.connectors.rest.words import text_of

ANSWER_BYTES = 8 * 1024 * 1024
"""How much of an answer is read."""

_JSON = {"Content-Type": "application/json"}
_Body = bytes | Mapping[str, str] | None
_IN_PIECES = 1024 * 1024  # bodies above are sent piece by piece, so that other calls are served between
_KEPT_ALIVE = 4.0  # seconds; shorter than common servers keep an idle connection


class Interrupted(Exception):
    """A call that gave no decision: the caller decides whether to try again."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


class Wire:
    """The connection to one application. Made and used inside one event loop."""

    def __init__(self, address: str, options: Options) -> None:
        self._address = address
        self._origin = str(URL(address).origin())
        self._options = options
        self._seats = asyncio.Semaphore(options.concurrency)
        self._bucket = Bucket(options.rate)
        self._ended = asyncio.Event()
        self._entrance = asyncio.Lock()
        self._entries = 0
        self._token_headers: Mapping[str, str] = {}
        self._tokens: frozenset[str] = frozenset()
        """Those that are no longer valid included."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=options.concurrency, ssl=_trust(options), keepalive_timeout=_KEPT_ALIVE
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept": "application/json", "User-Agent": "marea", **options.headers},
            timeout=aiohttp.ClientTimeout(
                total=options.timeout, sock_connect=min(10.0, options.timeout), ceil_threshold=3600
            ),
        )
        # It would repeat a PUT whose connection broke, unpaced, and would not say so. There is no other way.
        self._session._retry_connection = False

    @property
    def secrets(self) -> frozenset[str]:
        """Texts that must never be shown, every token it ever got included."""
        return self._options.secrets | self._tokens

    async def call(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """One call with the authorization it needs; a decision of the application, good or bad.

        Raises Interrupted when there is none. Calls are never repeated here but once
        after a new login, which the application asked for without applying anything.
        """
        login, entries = self._options.login, self._entries
        if login is not None and not entries:
            entries = await self._enter(login, entries)
        kind = _JSON if body is not None else {}
        answer = await self._ask(method, path, body, {**kind, **self._token_headers})
        if answer.status == 401 and login is not None:
            await self._enter(login, entries)
            answer = await self._ask(method, path, body, {**kind, **self._token_headers})
        if answer.status == 401:
            raise Interrupted(_no_entry(answer))
        self._judge(answer)
        return answer

    def rest(self, seconds: float) -> None:
        """Lets no call pass for that long: the application asked for a slower pace."""
        self._bucket.hold(monotonic() + seconds)

    def end(self) -> None:
        """No call waits for its turn any more, until `resume`: it is interrupted, and was not sent."""
        self._ended.set()

    def resume(self) -> None:
        """Takes `end` back."""
        self._ended.clear()

    async def waited(self, seconds: float) -> bool:
        """Waits that long; False when it was ended on the way."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)
        return not self._ended.is_set()

    async def close(self) -> None:
        """Closes every connection."""
        await self._session.close()

    @staticmethod
    def _judge(answer: Answer) -> None:
        found = failure(answer, datetime.now(UTC))
        if found is not None:
            raise Interrupted(found)

    async def _ask(self, method: str, path: str, body: _Body, headers: Mapping[str, str]) -> Answer:
        async with self._seats:
            wait = self._bucket.reserve(monotonic())
            if wait and not await self.waited(wait):
                raise Interrupted(ENDED)
            return await self._exchange(method, path, body, headers)

    async def _exchange(self, method: str, path: str, body: _Body, headers: Mapping[str, str]) -> Answer:
        url = URL(self._address + path, encoded=True)
        data = BytesIO(body) if isinstance(body, bytes) and len(body) > _IN_PIECES else body
        try:
            async with self._session.request(
                method, url, data=data, headers=headers, allow_redirects=False
            ) as response:
                content, complete = await _read(response)
                call = f'{method} "{url.with_query(None)}"'
                return Answer(response.status, content, response.headers, complete, self.secrets, call)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Interrupted(translate(error, self._origin, self._options.timeout)) from None

    async def _enter(self, login: Login, seen: int) -> int:
        """Logs in, unless another call did since `seen`; gives the number of logins so far."""
        async with self._entrance:
            if self._entries == seen:
                token = await self._fetch_token(login)
                self._tokens |= {token}
                self._token_headers = {
                    name: text.replace("{token}", token) for name, text in login.headers.items()
                }
                self._entries += 1
            return self._entries

    async def _fetch_token(self, login: Login) -> str:
        if login.json is not None:
            answer = await self._ask(login.method, login.path, json.dumps(login.json).encode(), _JSON)
        else:
            answer = await self._ask(login.method, login.path, login.form, {})
        if not answer.good:
            self._judge(answer)
            raise Interrupted(_no_entry(answer))
        try:
            token = text_of(dig(answer.value(), login.token))
        except Unreadable as error:
            raise Interrupted(_no_token(str(error))) from None
        if not token or any(ord(char) < 32 for char in token):
            raise Interrupted(_no_token(f"the answer holds none at {login.token}"))
        return token


async def _read(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """The body up to ANSWER_BYTES, and whether that is all; what is longer costs the connection."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > ANSWER_BYTES:
            response.close()
            return b"".join(parts)[:ANSWER_BYTES], False
    return b"".join(parts), True


def _trust(options: Options) -> ssl.SSLContext | bool:
    if not options.verify:
        return False
    if not options.ca:
        return True
    context = ssl.create_default_context()
    context.load_verify_locations(options.ca)
    return context


def _no_entry(answer: Answer) -> Failure:
    said = answer.said()[0]
    text = f"the login was refused with http {answer.status}"
    return Failure("login", f"{text}: {said}" if said else text, away=True, sent=False, again=False)


def _no_token(reason: str) -> Failure:
    return Failure("login", f"the login gave no token: {reason}", away=True, sent=False, again=False)


def translate(error: Exception, origin: str, timeout: float) -> Failure:
    """What an error of the HTTP client means, in our own words."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = getattr(error.certificate_error, "verify_message", "") or "it is not trusted"
        return _away("tls", f"the certificate of {origin} was refused: {reason}", again=False)
    if isinstance(error, aiohttp.ClientSSLError):
        return _away("tls", f"no TLS connection to {origin}: {_system_words(error)}", again=False)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return _away("dns", f"the host name of {origin} is not known")
    if isinstance(error, aiohttp.ClientConnectorError):
        return _away("connection", f"no connection to {origin}: {_system_words(error)}")
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return _away("connection", f"no connection to {origin} in time")
    if isinstance(error, TimeoutError):
        return _lost("timeout", f"no answer of {origin} within {timeout:g} s")
    if isinstance(error, aiohttp.ClientConnectionError | OSError):
        return _lost("connection", f"{origin} closed the connection without an answer")
    if isinstance(error, aiohttp.ClientPayloadError):
        return _lost("connection", f"the answer of {origin} broke off")
    return _lost("answer", f"{origin} answered with no valid http")


def _lost(code: str, text: str) -> Failure:
    return Failure(code, text, lost=True)


def _away(code: str, text: str, again: bool = True) -> Failure:
    return Failure(code, text, away=True, sent=False, again=again)


def _system_words(error: aiohttp.ClientConnectorError) -> str:
    reason = error.os_error
    return (reason.strerror or type(reason).__name__).lower()
