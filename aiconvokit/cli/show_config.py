"""`aiconvokit config`: the settings that hold, where each comes from, and which are weak."""

import argparse
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from aiconvokit.cli.runtime import load_settings
from aiconvokit.cli.weak_settings import Warned, host_of, warnings
from aiconvokit.config import SecretFiles, Settings, is_secret, variable_of

MASK = "***"
ENVIRONMENT, FILE, DEFAULT = "environment", "file", "default"


class Shown(Struct):
    """A setting that holds: its variable, its value without secrets, where it comes from."""

    variable: str
    value: str | None
    source: str


class Report(Struct):
    """What the command tells."""

    settings: list[Shown]
    warnings: list[Warned]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser("config", help="the settings that hold, secrets masked")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show them; nothing is opened, and no secret is printed."""
    settings = load_settings()
    report = Report([*_shown(settings), *_shown(settings.limits)], list(warnings(settings)))
    if arguments.json:
        print(msgspec.json.encode(report).decode())
        return 0
    for one in report.settings:
        print(f"{one.variable}={one.value or ''}  # {one.source}")
    for warned in report.warnings:
        print(f"WARNING {warned.code}: {warned.sentence}")
    return 0


def _shown(settings: BaseSettings) -> Iterator[Shown]:
    kind = type(settings)
    in_files = set(SecretFiles(kind)()) if kind is Settings else set()
    for name, field in kind.model_fields.items():
        is_set = name in settings.model_fields_set
        source = FILE if name in in_files else ENVIRONMENT if is_set else DEFAULT
        variable = variable_of(name, field)
        value = _masked(getattr(settings, name), hides=is_secret(field))
        yield Shown(variable + ("_FILE" if source == FILE else ""), value, source)


def _masked(value: Any, *, hides: bool) -> str | None:
    """A value as it may be shown: of the database only the host, and no address with a password."""
    if value is None:
        return None
    if isinstance(value, SecretStr):
        address = value.get_secret_value()
        host = host_of(address) if address.startswith("postgres") else None
        return f"{MASK} at {host}" if host else MASK
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    text = str(value)
    return MASK if hides or _holds_password(text) else text


def _holds_password(text: str) -> bool:
    """Whether an address has a user's part, or a query, where keys stand."""
    _, is_address, rest = text.partition("://")
    return bool(is_address) and ("@" in rest or "?" in rest)
