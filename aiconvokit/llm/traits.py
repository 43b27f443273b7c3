"""What a model server was found to be like, by probing it or by its refusals.

An instance of a model or embedder remembers it for the process and hands what is new to a callback;
`llm.remember` keeps it in the database.
"""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

Kind = Literal["chat", "embedding"]


class Traits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one model behind one address is spoken to; the defaults are what the protocol says."""

    refuses: tuple[str, ...] = ()
    """Parameters of a request that are left out because the server refuses them."""
    folds_system: bool = False
    """Its chat template has no system role: the operator's words go with the first question."""
    opens_reasoning: bool = False
    """Its chat template opens `<think>` itself, so that only the closing tag comes."""
    streams: bool = True
    """False: it was asked to stream and answered as a whole."""
    tokens_ratio: float | None = None
    """Its tokens for one of ours (o200k_base); None: not known yet."""
    context_window: int | None = None
    """Tokens of prompt and answer together, as its server counts them; None: not known."""
    batch_items: int | None = None
    """Most texts in one embedding request; None: no limit was met."""
    input_tokens: int | None = None
    """Most tokens of one embedded text, as we count them; None: no limit was met."""
    calls_tools: bool | None = None
    """Whether it takes functions to call; None: nobody offered any."""

    @property
    def asks_usage(self) -> bool:
        """Whether a streamed answer may be asked for its token counts."""
        return "stream_options" not in self.refuses and self.asks_to_stream

    @property
    def asks_to_stream(self) -> bool:
        """Whether `stream` may be sent at all."""
        return "stream" not in self.refuses

    @property
    def token_limit(self) -> str | None:
        """The parameter that bounds an answer; None: the server takes none."""
        named = ("max_tokens", "max_completion_tokens")
        return next((name for name in named if name not in self.refuses), None)


class Memory:
    """The traits of one endpoint in this process.

    Attributes:
        traits: as known now.
        told: as the callback heard them last.
    """

    def __init__(self, traits: Traits, on_learnt: Callable[[Traits], None] | None) -> None:
        self.traits = traits
        self.told = traits
        self._on_learnt = on_learnt

    def learn(self, **changes: Any) -> None:
        """Change fields of the traits and pass on what is new."""
        self.keep(**changes)
        if self.traits != self.told:
            self.told = self.traits
            if self._on_learnt is not None:
                self._on_learnt(self.traits)

    def keep(self, **changes: Any) -> None:
        """Change fields for this process only: what flickers is not worth a write each time."""
        self.traits = msgspec.structs.replace(self.traits, **changes)
