"""One policy for every OpenAI-compatible server: the client, its faults, and when to try again."""

import asyncio
import logging
import math
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal, cast
from urllib.request import getproxies

import anyio
import httpx2
import msgspec
import openai

from aiconvokit.llm.errors import BadEmbeddings, InputTooLong, ModelError, ModelErrorCode
from aiconvokit.llm.limits import is_too_long, is_too_many, most_items_in, window_in
from aiconvokit.llm.transport import FastTransport

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
"""A server that has not taken the connection by then is away; answers have their own deadline."""
TRIES = 2
RETRY_PAUSE_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 10.0
"""The longest Retry-After that is waited for inside a request; a person watches."""
UNSAID_WAIT_SECONDS = 1.0
"""What a 429 without Retry-After is worth."""
_NO_KEY = "none"
"""Local servers ask for no key, but the client insists on one."""
_LOGGED_CHARACTERS = 300

_RETRIED = {
    "model_unreachable",
    "model_bad_response",
    "model_empty_answer",
    "embedder_unreachable",
    "bad_embeddings",
}
_REFUSES_US = {401, 403, 404, 405}
"""Whatever is asked; any other refusal is of this very request."""
_MAY_BE_TOO_LONG = {400, 413, 422, 500}  # 500: llama.cpp
_NO_ANSWER = (httpx2.RequestError, ssl.SSLError, anyio.EndOfStream)
"""As the official client has it: its own transport lets some faults of TLS through."""
_FAULTS = (openai.OpenAIError, httpx2.HTTPError, msgspec.DecodeError, TimeoutError, ValueError)


class _Client(openai.AsyncOpenAI):
    """The official client, deaf to OPENAI_* variables: they may be meant for another server.

    What a turn sends goes through `send`: the client's own `post` builds and copies models of the
    request and its headers each time, half a millisecond a call, and what an HTTP client does
    around its transport takes another quarter.
    """

    def __init__(self, base_url: str, api_key: str | None) -> None:
        transport = None if _has_proxy() else FastTransport()
        self._http = openai.DefaultAsyncHttpxClient(transport=transport)
        # A name and a password in the address, redirects and cookies are for the client to heed.
        self._fast = None if httpx2.URL(base_url).userinfo else transport
        super().__init__(
            base_url=base_url,
            api_key=api_key or _NO_KEY,
            admin_api_key="",
            webhook_secret="",
            max_retries=0,
            timeout=openai.Timeout(None, connect=CONNECT_SECONDS),
            http_client=self._http,
        )
        self.organization = None
        self.project = None
        self._custom_headers = {}
        self._blanks: dict[str, httpx2.Request] = {}

    async def send(self, path: str, body: object, *, stream: bool = False) -> httpx2.Response:
        """POST a request as `post` would, with headers that are made once.

        Args:
            path: below the base address, for example "/embeddings".
            body: JSON.
            stream: True: the answer's body is not read yet, and the caller closes it.

        Raises:
            openai.OpenAIError: no answer, or a status that is no success.
        """
        blank, content = await self._blank(path), msgspec.json.encode(body)
        try:
            response = await self._answer(blank, content)
            if not (stream and response.is_success):
                await response.aread()
        except httpx2.TimeoutException as error:
            raise openai.APITimeoutError(request=blank) from error
        except _NO_ANSWER as error:
            raise openai.APIConnectionError(request=blank) from error
        if not response.is_success:
            raise self._make_status_error_from_response(response)
        return response

    async def _answer(self, blank: httpx2.Request, content: bytes) -> httpx2.Response:
        if self._fast is not None:
            response = await self._fast.post(blank, content)
            response.request = blank
            if not response.has_redirect_location:
                if "set-cookie" in response.headers:
                    self._http.cookies.extract_cookies(response)
                    self._fast = None
                return response
            await response.aclose()
            self._fast = None
        request = _filled(blank, content)
        if self._http.cookies:
            self._http.cookies.set_cookie_header(request)
        return await self._http.send(request, stream=True)

    async def _blank(self, path: str) -> httpx2.Request:
        """A request to a path without its body."""
        blank = self._blanks.get(path)
        if blank is None:
            await asyncio.to_thread(self.platform_headers)  # asks the system; remembered there
            given = self.default_headers.items()
            headers = {
                "Authorization": f"Bearer {self.api_key}",
                **{name: value for name, value in given if isinstance(value, str)},
                "X-Stainless-Retry-Count": "0",
            }
            base = self.base_url
            url = base.copy_with(raw_path=base.raw_path + path.lstrip("/").encode("ascii"))
            blank = self._http.build_request("POST", url, headers=headers, timeout=self.timeout)
            blank.headers.pop("Cookie", None)
            del blank.headers["Content-Length"]
            self._blanks[path] = blank
        return blank


def _filled(blank: httpx2.Request, content: bytes) -> httpx2.Request:
    headers = blank.headers.copy()
    headers["Content-Length"] = str(len(content))
    return httpx2.Request(
        blank.method,
        blank.url,
        headers=headers,
        stream=httpx2.ByteStream(content),
        extensions=blank.extensions,
    )


def _has_proxy() -> bool:
    """Proxies are left to the client's own transport, which knows how to speak to them."""
    return not {"http", "https", "all"}.isdisjoint(getproxies())


def open_client(base_url: str, api_key: str | None) -> _Client:
    """A client that never retries nor reads the environment (but for proxies); close it."""
    return _Client(base_url, api_key)


@dataclass(frozen=True, slots=True)
class Upstream:
    """How faults of one kind of server are called."""

    subject: str
    kind: Literal["model", "embedder"]
    settings: str

    @contextmanager
    def translated(self, secret: str | None) -> Iterator[None]:
        """Turn what the client raises into a ModelError; `secret` never reaches the log."""
        try:
            yield
        except _FAULTS as fault:
            logger.warning("%s: %s", self.subject, _told(fault, secret))
            raise self._error_of(fault) from fault

    def bad_answer(self, why: str) -> ModelError:
        """The server said something that is no answer."""
        detail = f"{self.subject} {why}"
        if self.kind == "embedder":
            return BadEmbeddings(detail)
        return ModelError(detail, code="model_bad_response")

    def told_error(self, message: str) -> ModelError:
        """An error inside an answer with status 200."""
        if is_too_long(message):
            return self._too_long(message)
        return self.bad_answer("reported an error instead of an answer. Try again.")

    def _error_of(self, fault: Exception) -> ModelError:
        match fault:
            case openai.APIStatusError():
                return self._error_of_status(fault)
            case TimeoutError():
                detail = f"{self.subject} did not finish in time. Try again, or ask for less."
                return self._error(detail, "timeout")
            case openai.APIConnectionError() | httpx2.TransportError():
                return self._unreachable()
            case _:
                return self.bad_answer(
                    f"sent something that is no valid answer. Check {self.settings}."
                )

    def _error_of_status(self, fault: openai.APIStatusError) -> ModelError:
        status, message = fault.status_code, upstream_message(fault)
        if status == 429 and "insufficient_quota" not in message:
            return self._error(
                f"{self.subject} takes no more requests from us for now. Try again later.",
                "rate_limited",
                retry_after=_retry_after(fault.response.headers),
            )
        if status == 413 or (status in _MAY_BE_TOO_LONG and self._is_too_much(message)):
            return self._too_long(message)
        if status >= 500:
            return self._unreachable()
        refused = f"refused the request (HTTP {status}). Check {self.settings}."
        if status in _REFUSES_US or status == 429:  # 429: the quota is used up
            return self._error(f"{self.subject} {refused}", "misconfigured")
        return self.bad_answer(refused)

    def _unreachable(self) -> ModelError:
        return self._error(
            f"{self.subject} cannot be reached. Try again; if it lasts, check {self.settings}.",
            "unreachable",
        )

    def _is_too_much(self, message: str) -> bool:
        return is_too_long(message) or (self.kind == "embedder" and is_too_many(message))

    def _too_long(self, message: str) -> ModelError:
        too_many = self.kind == "embedder" and is_too_many(message)
        return InputTooLong(
            f"{self.subject} cannot take a text this long. Shorten it.",
            window=window_in(message),
            too_many=too_many,
            most_items=most_items_in(message) if too_many else None,
        )

    def _error(
        self,
        detail: str,
        fault: Literal["unreachable", "timeout", "misconfigured", "rate_limited"],
        *,
        retry_after: float | None = None,
    ) -> ModelError:
        code = cast("ModelErrorCode", f"{self.kind}_{fault}")
        return ModelError(detail, code=code, retry_after=retry_after)


CHAT_MODEL = Upstream(
    subject="The chat model",
    kind="model",
    settings="OPENAI_BASE_URL, OPENAI_API_KEY and AICONVOKIT_CHAT_MODEL",
)
EMBEDDER = Upstream(
    subject="The embedding model",
    kind="embedder",
    settings="AICONVOKIT_EMBEDDING_BASE_URL, AICONVOKIT_EMBEDDING_API_KEY and "
    "AICONVOKIT_EMBEDDING_MODEL",
)


async def wait_to_retry(error: ModelError, *, tried: int, deadline: float) -> bool:
    """Sleep before another try; False when there is to be none.

    Args:
        error: how the last try ended.
        tried: tries so far.
        deadline: when all must be over, on the event loop's clock.
    """
    pause = _pause(error)
    left = deadline - asyncio.get_running_loop().time()
    if tried >= TRIES or pause is None or pause >= left:
        return False
    await asyncio.sleep(pause)
    return True


def _pause(error: ModelError) -> float | None:
    if error.code in _RETRIED:
        return RETRY_PAUSE_SECONDS
    if not error.code.endswith("rate_limited"):
        return None
    wait = UNSAID_WAIT_SECONDS if error.retry_after is None else error.retry_after
    return wait if wait <= LONGEST_WAIT_SECONDS else None


def upstream_message(fault: openai.APIStatusError) -> str:
    """What the server said, whatever the shape of its body."""
    return f"{fault.message} {fault.body}"


def _told(fault: Exception, secret: str | None) -> str:
    told = f"{type(fault).__name__}: {fault}"
    if secret:
        told = told.replace(secret, "***")
    return told[:_LOGGED_CHARACTERS]


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Seconds from `Retry-After`, which holds seconds or a date."""
    value = headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
