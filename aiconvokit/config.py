"""Settings: the only reader of the environment."""

from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, PositiveInt, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from typing_extensions import override

MIB = 1024 * 1024


def _listed(value: object) -> object:
    """A list as people write it in a variable: commas or spaces between its entries."""
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_listed)]


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
    audit_days: PositiveInt = 365
    """How long it is kept who did what."""
    requests_per_minute: PositiveInt = 600
    """Of one user on the API, and of one address without a login; as many may come at once."""
    streams_per_user: PositiveInt = 20
    """Answers of one user that are being written at once, streamed or not, over all processes."""
    quota_assistants: PositiveInt | None = None
    """Most assistants of one user. Unset: no quota."""
    quota_documents: PositiveInt | None = None
    """Most documents of one user, in all assistants and vector stores. Unset: no quota."""
    quota_bytes: PositiveInt | None = None
    """Most bytes of one user's files together. Unset: no quota."""
    quota_pages: PositiveInt | None = None
    """Pages of one user's documents from which nothing more is taken. Unset: no quota."""
    quota_tokens_per_day: PositiveInt | None = None
    """Tokens of one user's questions and answers on a day (UTC), visitors' included, from which
    no model is asked any more. Unset: no quota."""
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


def variable_of(name: str, field: FieldInfo) -> str:
    """The environment variable that a setting is read from."""
    alias = field.validation_alias
    return alias if isinstance(alias, str) else f"AICONVOKIT_{name.upper()}"


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting is masked wherever it is shown, and may stand in a file."""
    return SecretStr in get_args(field.annotation)


class SecretFiles(EnvSettingsSource):
    """`<VARIABLE>_FILE`: a secret that stands in a file, read once, by the name of its variable."""

    @override
    def __call__(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, field in self.settings_cls.model_fields.items():
            variable = variable_of(name, field)
            path = self.env_vars.get(f"{variable}_file".lower())
            if path is None or not is_secret(field):
                continue
            if variable.lower() in self.env_vars:
                raise SettingsError(f"{variable} and {variable}_FILE are both set. Set one.")
            found[name] = _secret_in(path, f"{variable}_FILE")
        return found


def _secret_in(path: str, variable: str) -> str:
    """What stands in a file, without the line break at its end."""
    try:
        secret = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise SettingsError(f"The file of {variable} cannot be read: {why}.") from None
    if not secret:
        raise SettingsError(f"The file of {variable} is empty.")
    return secret


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
    storage_url: str | None = None
    """Where uploads are kept: `s3://bucket/prefix`, `gs://…` or `az://…`. Unset: `data_dir`."""
    storage_allows_http: bool = Field(default=False, validation_alias="AWS_ALLOW_HTTP")
    """true: the object store may be asked without TLS. Its library reads the other variables."""
    base_url: str | None = None
    """The address that absolute URLs start with; unset: the request's Host."""
    allowed_hosts: Names = ()
    """Names under which the server answers, without a port: `ai.example.com, localhost`. Unset:
    any."""
    trusted_proxies: Networks = ()
    """Addresses or networks of proxies in front: what they say of the client (X-Forwarded-For,
    -Proto, -Host) counts. Unset: nobody's word does."""

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

    log_format: Literal["text", "json"] = "text"
    """Of `serve` and `worker`. json: an object a line, and a line for each request."""
    metrics_token: SecretStr | None = None
    """Who has it may read `/metrics`. Unset: only this machine may."""
    otel_endpoint: str | None = Field(default=None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    """Where traces go, over OTLP and HTTP; needs the extra `[otel]`. Unset: there are none."""

    @override
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, SecretFiles(settings_cls)

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
