"""What a model server says about itself, beside its answers; each says it elsewhere, or nowhere."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx2
import msgspec
import openai

from aiconvokit.llm.client import open_client
from aiconvokit.llm.errors import ModelError

ASK_SECONDS = 10.0
"""For a list of names; a server that needs longer is not well."""
QUOTED_CHARACTERS = 160
NAMES_SHOWN = 6
_FAULTS = (openai.OpenAIError, httpx2.HTTPError, msgspec.DecodeError, TimeoutError, ValueError)
_SECRET_STATUS = {401, 403}
"""What a server says to a wrong key often holds a part of it."""

# vLLM; OpenRouter, Together; Groq; Mistral; LM Studio
_ENTRY_FIELDS = (
    "max_model_len",
    "loaded_context_length",
    "context_length",
    "context_window",
    "max_context_length",
)
Problem = Literal["unreachable", "refused", "no_api"]


@dataclass(frozen=True, slots=True)
class Listing:
    """The models a server names, and why there are none.

    `problem`: nothing took the connection, or it was refused (a key), or no list of models.
    """

    entries: Sequence[Mapping[str, Any]] = ()
    problem: Problem | None = None
    said: str = ""

    @property
    def names(self) -> list[str]:
        """What each is called."""
        return [str(entry["id"]) for entry in self.entries if "id" in entry]

    def entry(self, model: str) -> Mapping[str, Any]:
        """What is said of a model; of the only one, whatever its name: some take any."""
        named = [one for one in self.entries if one.get("id") in {model, f"{model}:latest"}]
        if not named and len(self.entries) == 1:
            return self.entries[0]
        return named[0] if named else {}

    def suggestion(self, model: str) -> str:
        """What the operator may have meant; empty when the server names no models."""
        if not self.names:
            return ""
        close = get_close_matches(model, self.names, n=1)
        if close:
            return f"Did you mean {close[0]}?"
        shown = ", ".join(self.names[:NAMES_SHOWN])
        more = len(self.names) - NAMES_SHOWN
        return f"It has {shown}{f' and {more} more' if more > 0 else ''}."


@dataclass(frozen=True, slots=True)
class Claim:
    """A context window in tokens as a server states it, and where it says so."""

    tokens: int
    source: str


class ModelServer:
    """A server asked without any model being run."""

    def __init__(self, base_url: str, api_key: str | None) -> None:
        self._client = open_client(base_url, api_key)
        # llama.cpp, Ollama and LM Studio have an API of their own beside /v1
        self._root = base_url.partition("?")[0].rstrip("/").removesuffix("/v1")

    async def close(self) -> None:
        """Release the connections."""
        await self._client.close()

    async def models(self) -> Listing:
        """Ask for the list of models."""
        try:
            found = await self._get("/models")
        except openai.APIStatusError as refusal:
            return _refused(refusal.status_code)
        except (openai.APIConnectionError, TimeoutError) as fault:
            return Listing(problem="unreachable", said=_cause(fault))
        except _FAULTS:
            return Listing(problem="no_api", said="something that is no list of models")
        listed = found.get("data") if isinstance(found, dict) else None
        if not isinstance(listed, list):
            return Listing(problem="no_api", said="something that is no list of models")
        return Listing([entry for entry in listed if isinstance(entry, dict)])

    async def window(self, model: str, entry: Mapping[str, Any]) -> Claim | None:
        """The context window that the server says the model has now."""
        for field in _ENTRY_FIELDS:
            if tokens := _number(entry.get(field)):
                return Claim(tokens, f"/models: {field}")
        return (
            await self._llama_cpp()
            or await self._ollama(model)
            or await self._lm_studio(model)
            or _claim(_dig(entry, "meta", "n_ctx"), "/models: n_ctx")
        )

    async def _llama_cpp(self) -> Claim | None:
        found = await self._try(f"{self._root}/props")
        return _claim(_dig(found, "default_generation_settings", "n_ctx"), "/props: n_ctx")

    async def _ollama(self, model: str) -> Claim | None:
        """Of the models that are loaded: what one was trained for is not what it runs with."""
        found = await self._try(f"{self._root}/api/ps")
        one = _named(_dig(found, "models"), "name", model)
        return _claim(one.get("context_length"), "/api/ps: context_length")

    async def _lm_studio(self, model: str) -> Claim | None:
        found = await self._try(f"{self._root}/api/v0/models")
        one = _named(_dig(found, "data"), "id", model)
        return _claim(one.get("loaded_context_length"), "/api/v0/models: loaded_context_length")

    async def _try(self, url: str) -> object:
        try:
            return await self._get(url)
        except _FAULTS:
            return None

    async def _get(self, path: str) -> object:
        async with asyncio.timeout(ASK_SECONDS):
            answer = await self._client.get(path, cast_to=httpx2.Response)
        found: object = msgspec.json.decode(answer.content)
        return found


def _refused(status: int) -> Listing:
    """Why there is no list; from 500 on it is an API that is not well, as llama.cpp's loading."""
    problem: Problem | None = "no_api" if status < 500 else None
    return Listing(
        problem="refused" if status in _SECRET_STATUS else problem, said=f"HTTP {status}"
    )


def explain(error: ModelError) -> str:
    """The sentence of an error and, where they hold no key, the server's own words."""
    cause = error.__cause__
    match cause:
        case openai.APIStatusError() if cause.status_code in _SECRET_STATUS:
            return f"HTTP {cause.status_code}."
        case openai.APIStatusError():
            return f'HTTP {cause.status_code}: "{_words(cause)}"'
        case openai.APIConnectionError():
            return f"{_cause(cause)}."
        case _ if error.code == "model_empty_answer":
            return "It gave an empty answer."
        case _:
            return error.detail


def status_of(error: ModelError) -> int | None:
    """The server's status behind an error."""
    cause = error.__cause__
    return cause.status_code if isinstance(cause, openai.APIStatusError) else None


def fault_of_address(url: str) -> str | None:
    """Why a URL is no address of a server, or None."""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        is_address = False
    return None if is_address else "is no address: it must begin with http:// or https://."


def with_v1(url: str) -> str | None:
    """The address with /v1 at its end and without credentials; None: it has it already."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    if path.endswith("/v1"):
        return None
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{path}/v1"


def _cause(fault: BaseException) -> str:
    """The innermost reason: libraries wrap a refused connection several times."""
    if isinstance(fault, TimeoutError | openai.APITimeoutError):
        return "no answer in time"
    while fault.__cause__ is not None:
        fault = fault.__cause__
    if isinstance(fault, OSError) and fault.strerror:
        return fault.strerror
    return str(fault).splitlines()[0] if str(fault) else type(fault).__name__


def _words(refusal: openai.APIStatusError) -> str:
    """What the server said, without the JSON around it."""
    body: object = refusal.body
    for field in ("error", "message", "detail"):
        body = body.get(field, body) if isinstance(body, Mapping) else body
    return " ".join(str(body or refusal.message).split())[:QUOTED_CHARACTERS]


def _dig(found: object, *keys: str) -> object:
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _named(found: object, field: str, model: str) -> Mapping[str, Any]:
    listed = found if isinstance(found, list) else []
    wanted = {model, f"{model}:latest"}
    return next((one for one in listed if isinstance(one, dict) and one.get(field) in wanted), {})


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _claim(value: object, source: str) -> Claim | None:
    tokens = _number(value)
    return None if tokens is None else Claim(tokens, source)
