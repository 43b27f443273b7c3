"""The embedding model: its vectors, its limits, and whether it is the one the documents have."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from aiconvokit.config import Settings
from aiconvokit.llm.embedders import leads_to
from aiconvokit.llm.errors import ModelError
from aiconvokit.llm.local_embedder import LocalEmbedder
from aiconvokit.llm.openai_embedder import MAX_ITEMS, OpenAIEmbedder
from aiconvokit.llm.remember import address_of
from aiconvokit.llm.traits import Traits
from aiconvokit.operations.doctor.findings import Findings
from aiconvokit.operations.doctor.model_server import (
    Listing,
    ModelServer,
    explain,
    fault_of_address,
    status_of,
    with_v1,
)
from aiconvokit.operations.doctor.queries import Space
from ingestion.chunk.document import CONTEXT_TOKENS
from ingestion.chunk.pack import MOST_TOKENS
from ingestion.embed import Embedder
from ingestion.errors import EmbeddingFailed
from ingestion.tokens import count_tokens
from ingestion.types import Vectors

ANSWER_SECONDS = 30.0
"""For a request; a local server loads the model before the first."""
LONGEST_TOKENS = MOST_TOKENS + CONTEXT_TOKENS
"""A passage with its place (title and headings), in our tokens."""
SHORTER_TOKENS = (460, 230, 115)
"""Tried when the end of the longest is not read: nine tenths of 512, and halves of it."""
SAME = 1e-5
"""1 - cosine of two vectors that only rounding tells apart; other words move it a hundredfold."""
STABLE = 1e-3
"""1 - cosine of one text embedded twice: graphics cards add in any order, by far less than that."""
MOST_DIM = 4_000
"""Of a halfvec with an index."""
NOT_IMPLEMENTED = 501
"""What llama.cpp says when it was started for chats only."""
TEXTS = ("The tenant pays the rent.", "Dogs may be kept in the garden.", "Sales grew in 2018.")


@dataclass(frozen=True, slots=True)
class Learnt:
    """The space that the configured model makes, and what its server is like (None: local)."""

    provider: str
    model: str
    dim: int
    traits: Traits | None


async def examine(settings: Settings, findings: Findings) -> Learnt | None:
    """Look at the configured embedding model; None when it gives no vectors."""
    if settings.embedding_model is None:
        return await _local(findings)
    url = settings.embedder_base_url
    variable = _variable(settings)
    if fault := fault_of_address(url):
        findings.fail("embedding server", f"{variable} {fault}", "Often it ends in /v1.")
        return None
    server = ModelServer(url, settings.embedder_api_key)
    embedder = OpenAIEmbedder(
        url, settings.embedder_api_key, settings.embedding_model, deadline_s=ANSWER_SECONDS
    )
    try:
        listing = await server.models()
        if listing.problem == "unreachable":
            said = f"{address_of(url)}: {listing.said}."
            findings.fail("embedding server", said, f"Start it, or correct {variable}.")
            return None
        return await _remote(embedder, settings, listing, findings)
    finally:
        await embedder.close()
        await server.close()


def space(settings: Settings, learnt: Learnt, stored: Sequence[Space], findings: Findings) -> None:
    """Whether the documents that are there were embedded with this model, or one in reach."""
    own = (learnt.provider, learnt.model, learnt.dim)
    others = [one for one in stored if (one.provider, one.model, one.dim) != own]
    lost = [one for one in others if not leads_to(settings, one.provider, one.model)]
    advice = f"aiconvokit reindex --to {learnt.model} moves them; see docs/embedding-models.md."
    if lost:
        findings.fail(
            "embedding space",
            f"Collections of documents that are not searched: {_counted(lost)}.",
            f"Configure that model at that address again, or move them: {advice}",
        )
    elif others:
        findings.warn(
            "embedding space",
            f"Collections that need another model than the configured one: {_counted(others)}.",
            f"They are searched as long as it can be reached. {advice}",
        )
    elif stored:
        count = sum(one.collections for one in stored)
        findings.ok("embedding space", f"All {count} collections are of this model.")
    else:
        findings.ok("embedding space", "No document is embedded yet: any model may be chosen.")


def _counted(spaces: Sequence[Space]) -> str:
    return "; ".join(
        f"{one.collections} with {one.model} ({one.provider}, {one.dim} dimensions)"
        for one in spaces
    )


async def _local(findings: Findings) -> Learnt | None:
    embedder = LocalEmbedder()
    try:
        began = time.perf_counter()
        await embedder.start()
        started = time.perf_counter() - began
        began = time.perf_counter()
        vectors = await embedder.embed_queries(TEXTS[:1])
        milliseconds = 1000 * (time.perf_counter() - began)
        first = await embedder.embed_passages(TEXTS)
        second = await embedder.embed_passages(TEXTS[::-1])
    except (ModelError, EmbeddingFailed) as error:
        findings.fail("embedding model", str(error), "See there.")
        return None
    finally:
        await embedder.close()
    dim = vectors.shape[1]
    findings.ok(
        "embedding model",
        f"Local, {embedder.model}, {dim} dimensions: started in {started:.1f} s, then "
        f"{milliseconds:.0f} ms a question.",
    )
    _compare(findings, first, second)
    return Learnt(embedder.provider, embedder.model, dim, None)


async def _remote(
    embedder: OpenAIEmbedder, settings: Settings, listing: Listing, findings: Findings
) -> Learnt | None:
    where = address_of(settings.embedder_base_url)
    try:
        await embedder.embed_queries(["ready"])  # loads the model: not measured
        began = time.perf_counter()
        vectors = await embedder.embed_queries(TEXTS[:1])
        milliseconds = 1000 * (time.perf_counter() - began)
        first = await embedder.embed_passages(TEXTS)
        second = await embedder.embed_passages(TEXTS[::-1])
    except ModelError as error:
        advice = await _advice(error, settings, listing)
        said = f"{embedder.model} at {where}: {explain(error)}"
        findings.fail("embedding model", said, advice)
        return None
    dim = vectors.shape[1]
    said = f"{embedder.model} at {where}: {dim} dimensions, {milliseconds:.0f} ms a question."
    if dim > MOST_DIM:
        most = f"At most {MOST_DIM:,} dimensions can be stored. Choose another model."
        findings.fail("embedding model", said, most)
        return None
    findings.ok("embedding model", said)
    _compare(findings, first, second)
    try:
        await _batches(embedder, findings)
        cut_at = await _length(embedder, findings)
    except ModelError as error:
        advice = _ADVICE.get(error.code, "Look at the server's log.")
        findings.fail("embedding limits", explain(error), advice)
        cut_at = None
    traits = embedder.traits
    if cut_at is not None:
        traits = msgspec.structs.replace(traits, input_tokens=cut_at)
    return Learnt(embedder.provider, embedder.model, dim, traits)


def _compare(findings: Findings, first: Vectors, second: Vectors) -> None:
    """`second` holds the same texts from the last to the first."""
    if first.shape != second.shape:
        findings.fail(
            "embedding vectors", "Their dimension changes.", "Choose another model or server."
        )
        return
    cosines = first @ second[::-1].T
    apart = float(1 - cosines.diagonal().min())
    if (cosines.argmax(axis=1) != range(len(first))).any():
        findings.fail(
            "embedding vectors",
            "They come in another order than the texts, or all alike.",
            "Choose another server: nothing can be found with these.",
        )
    elif apart > STABLE:
        findings.warn(
            "embedding vectors",
            f"The same text gets vectors {apart:.4f} apart (1 - cosine).",
            "Searches differ from one to the next: switch off what samples or rounds.",
        )
    else:
        findings.ok("embedding vectors", "In order, finite, and the same for the same text.")


async def _batches(embedder: OpenAIEmbedder, findings: Findings) -> None:
    """As many texts in a request as the ingestion sends."""
    began = time.perf_counter()
    await embedder.embed_passages([f"Line {number}." for number in range(MAX_ITEMS)])
    seconds = time.perf_counter() - began
    most = embedder.traits.batch_items
    if most is None:
        said = f"{MAX_ITEMS} short texts in one request, {seconds:.1f} s."
    else:
        said = f"At most {most} texts in one request; no more are sent."
    findings.ok("embedding batches", said)


async def _length(embedder: OpenAIEmbedder, findings: Findings) -> int | None:
    """Try the longest passage. One that is refused, the embedder cuts itself, and remembers.

    Returns:
        tokens of ours that are read where the rest of a text is ignored; None: nothing is.
    """
    is_read = await _reads_end(embedder, LONGEST_TOKENS)
    most = embedder.traits.input_tokens
    if most is not None:
        said = f"About {most} tokens at once; longer passages are embedded in pieces."
        findings.ok("embedding length", said)
    elif is_read:
        said = f"Passages of {LONGEST_TOKENS} tokens, our longest, are read to their end."
        findings.ok("embedding length", said)
    else:
        return await _cut_at(embedder, findings)
    return None


async def _cut_at(embedder: Embedder, findings: Findings) -> int | None:
    """The length from which the ends of texts are ignored, found from above."""
    for size in SHORTER_TOKENS:
        if await _reads_end(embedder, size):
            findings.warn(
                "embedding length",
                f"The end of passages of {LONGEST_TOKENS} tokens is not read, and nothing tells.",
                f"From now on they are embedded in pieces of {size}: upload again what is there. "
                "Or give the server a longer input (Ollama: num_ctx; vLLM: --max-model-len).",
            )
            return size
    findings.fail(
        "embedding length",
        f"The end of a text is not read, not even of {SHORTER_TOKENS[-1]} tokens.",
        "Choose another embedding model.",
    )
    return None


async def _reads_end(embedder: Embedder, tokens: int) -> bool:
    """Whether two texts that only end differently get two vectors."""
    opening = "The report speaks of costs and of sales in the past year. "
    count = tokens // count_tokens(opening)
    ends = ("Bananas ripen in the sun.", "Whales sing under the ice.")
    cut = opening * (count - 1)
    one, other = await embedder.embed_passages([f"{cut}{end}" for end in ends])
    return float(1 - one @ other) > SAME


def _variable(settings: Settings) -> str:
    """Which one holds the address."""
    own = settings.embedding_base_url is not None
    return "AICONVOKIT_EMBEDDING_BASE_URL" if own else "OPENAI_BASE_URL"


async def _advice(error: ModelError, settings: Settings, listing: Listing) -> str:
    status, name = status_of(error), settings.embedding_model or ""
    own = settings.embedding_base_url is not None
    if status in {401, 403}:
        return (
            "Set AICONVOKIT_EMBEDDING_API_KEY to a key of this server."
            if own
            else "Set OPENAI_API_KEY, or AICONVOKIT_EMBEDDING_API_KEY where it is another."
        )
    if listing.problem == "no_api" and (fixed := with_v1(settings.embedder_base_url)):
        return f"Set {_variable(settings)}={fixed}"
    if status is not None and (status == NOT_IMPLEMENTED or status < 500) and status != 429:
        known = "" if name in listing.names else listing.suggestion(name)
        return (
            "Set AICONVOKIT_EMBEDDING_MODEL to an embedding model of this server (and "
            "AICONVOKIT_EMBEDDING_BASE_URL where it is not the chat server), or leave it empty "
            f"for the local one. {known}".rstrip()
        )
    code = "embedder_rate_limited" if status == 429 else error.code  # also when a quota is used up
    return _ADVICE.get(code, "Look at the server's log.")


_ADVICE = {
    "bad_embeddings": "Is this an embedding model, and the address of an API? Choose another.",
    "embedder_timeout": "Take a smaller model or a faster machine.",
    "embedder_rate_limited": "Wait, or look at the account's limits and balance.",
    "embedder_unreachable": "Look at the server's log.",
}
