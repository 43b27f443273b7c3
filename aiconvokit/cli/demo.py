"""`aiconvokit demo`: watch the main job run on two real documents."""

import argparse
import asyncio
import socket

from aiconvokit.cli.runtime import (
    Ground,
    ground,
    load_settings,
    log_to_stderr,
    on_stop,
    services_on,
)
from aiconvokit.cli.runtime import run as run_loop
from aiconvokit.cli.serve import serving, stop, worker_beside
from aiconvokit.config import Settings
from aiconvokit.demo.run import say, show
from aiconvokit.embedded_postgres import default_data_dir

HOST = "127.0.0.1"


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser("demo", help="read two documents and answer five questions")
    parser.add_argument(
        "--exit", action="store_true", help="end afterwards; status 0 if all answers are right"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show the demo, then serve until Ctrl-C."""
    log_to_stderr()
    say("AIConvoKit demo: no key and no network needed, everything stays on this machine.\n")
    try:
        with ground(_settings()) as found:
            return run_loop(lambda: _demo(found, end=arguments.exit))
    except asyncio.CancelledError:  # Ctrl-C while it was still being shown
        return 130


def _settings() -> Settings:
    """A data folder of the demo's own, and nothing of the operator's models."""
    given = load_settings()
    folder = given.data_dir or default_data_dir()
    return Settings(
        database_url=None,
        data_dir=folder.with_name(f"{folder.name}-demo"),
        base_url=None,
        openai_api_key=None,
        chat_model=None,
        embedding_model=None,
        embedding_base_url=None,
        embedding_api_key=None,
        rate_limits="off",  # a demo may be shown many times in a row
        registration="open",
    )


async def _demo(found: Ground, *, end: bool) -> int:
    port = _free_port()
    async with (
        services_on(found, walled=True) as services,
        serving(services, HOST, port) as server,
        worker_beside(services, wanted=True),
    ):
        shown = asyncio.create_task(show(services, f"http://{HOST}:{port}"), name="demo")

        def halt() -> None:
            shown.cancel()
            stop(server)

        on_stop(halt)
        good = await shown
        if not end:
            say(f"Serving on http://{HOST}:{port} until Ctrl-C.")
            await server.finished.wait()
    return 0 if good else 1


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
