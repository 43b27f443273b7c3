"""Settings: the only reader of the environment."""

from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveInt, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024


class Limits(BaseSettings):
    """Bounds that an operator may move; each is read from AICONVOKIT_<NAME>."""

    model_config = SettingsConfigDict(
        env_prefix="AICONVOKIT_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    max_upload_bytes: PositiveInt = 50 * MIB
    """One file; also what the parser accepts."""
    max_files_per_request: PositiveInt = 100
    """Of one upload."""
    max_request_bytes: PositiveInt = 500 * MIB
    """All files of one request together."""
    max_json_bytes: PositiveInt = 1 * MIB
    """A request body without files."""
    max_pages: PositiveInt = 3_000
    """Of one document; one that has more fails with `too_many_pages`."""
    max_characters: PositiveInt = 20_000_000
    """Of one document."""
    parse_memory_bytes: PositiveInt = 1024 * MIB
    """Of the process that reads one document; it is killed beyond."""
    parse_cpu_seconds: PositiveInt = 60
    """Of processor time for the same; then it is killed, and the document fails with
    `timeout`."""
    max_tokens_per_user: PositiveInt = 100
    """Live login tokens; the least recently used goes first."""
    token_idle_days: PositiveInt = 90
    """A login token that nobody used for so long is no longer one."""
    login_burst: PositiveInt = 10
    """Logins that may fail in a row, by address and by name, before they must wait."""
    login_refill_per_minute: PositiveInt = 1
    """Further attempts a minute after that."""
    history_tokens: PositiveInt = 2_000
    """Of the conversation in a prompt, the newest first."""
    passage_tokens: PositiveInt = 3_500
    """Of the passages in a prompt."""
    prompt_passages: PositiveInt = 8
    """Most passages in a prompt."""
    chat_deadline_seconds: PositiveInt = 120
    """For the chat model's whole answer, attempts included."""
    lease_seconds: PositiveInt = 45
    """How long a thread stays taken after its turn's process died (renewed while it lives)."""
    pool_size: PositiveInt = 10
    """Most database connections of each of a process's two pools for requests: SQLAlchemy's for the
    ordinary ones, psycopg's for turns, searches and authentication. A turn that waits for its model
    holds none. The worker adds `worker_pool_size` twice."""
    worker_pool_size: PositiveInt = 6
    """Most database connections of each of a worker's two pools."""
    worker_concurrency: PositiveInt = 2
    """Documents of one owner that a worker reads at once. One more is read where it is somebody
    else's: nobody's documents wait for all of another's."""


class Settings(BaseSettings):
    """Everything an operator can choose, from the environment."""

    model_config = SettingsConfigDict(
        env_prefix="AICONVOKIT_",
        env_ignore_empty=True,  # `VARIABLE=` in an .env file means "not set", as people expect
        frozen=True,
        extra="ignore",
        populate_by_name=True,
    )

    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    """Unset: the embedded Postgres in `data_dir`."""
    data_dir: Path | None = None
    """The embedded database and the uploaded files. Unset: `/var/lib/aiconvokit` for root, else
    the user's folder for data."""
    base_url: str | None = None
    """The address that absolute URLs start with; unset: the request's Host."""

    openai_base_url: str = Field(
        default="https://api.openai.com/v1", validation_alias="OPENAI_BASE_URL"
    )
    """Where the chat model is: any server that speaks the OpenAI wire."""
    openai_api_key: SecretStr | None = Field(default=None, validation_alias="OPENAI_API_KEY")
    """Its key, where it asks for one."""
    chat_model: str | None = None
    """Unset: answers are the best passages, verbatim; no model is ever called."""
    query_rewrite: Literal["off", "model"] = "off"
    """model: a follow-up that needs the conversation is rewritten for the search, one more call."""
    embedding_model: str | None = None
    """Unset: the local embedder of the extra `[local]`."""
    embedding_base_url: str | None = None
    """Where the embedding model is. Unset: `OPENAI_BASE_URL`."""
    embedding_api_key: SecretStr | None = None
    """Unset: `OPENAI_API_KEY`, where the address is the same."""

    rate_limits: Literal["on", "off"] = Field(default="on", validation_alias="AICONVOKIT_LIMITS")
    """off: no rate limits at all, for measuring. Never on a real server."""
    registration: Literal["auto", "open", "closed"] = "auto"
    """auto: open while the server listens on loopback only."""
    shared_assistants: bool = False
    """true: every user sees and asks all assistants; only owners change them."""

    @cached_property
    def limits(self) -> Limits:
        """The bounds; no field, since AICONVOKIT_LIMITS is the switch of the rate limits."""
        return Limits()

    @cached_property
    def chat_api_key(self) -> str | None:
        """The chat server's key in the clear; only the client may see it."""
        return _key(self.openai_api_key)

    @cached_property
    def embedder_base_url(self) -> str:
        """Where the embedding server is: beside the chat model, unless it has its own address."""
        return self.embedding_base_url or self.openai_base_url

    @cached_property
    def embedder_api_key(self) -> str | None:
        """The embedding server's key; the chat key only goes to the chat server's address."""
        if self.embedding_api_key:
            return _key(self.embedding_api_key)
        same_server = self.embedding_base_url in {None, self.openai_base_url}
        return self.chat_api_key if same_server else None


def _key(secret: SecretStr | None) -> str | None:
    """A key without the line break that files and shells leave at its end."""
    return secret.get_secret_value().strip() if secret else None
