"""`aiconvokit reindex`: embed what is there with another model, while it is searched."""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from aiconvokit.cli.runtime import cancel_on_stop, load_settings, log_to_stderr, with_services
from aiconvokit.operations.reindex import work
from aiconvokit.operations.reindex.filling import Progress
from aiconvokit.operations.reindex.queries import Selection
from aiconvokit.operations.reindex.work import Model, Report, State
from aiconvokit.services import Services

TELL_SECONDS = 10.0
"""Between two lines where there is no terminal."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser("reindex", help="embed documents with another model")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--to", metavar="MODEL", help="move documents to this embedding model")
    what.add_argument("--back", action="store_true", help="to the model before")
    what.add_argument("--status", action="store_true", help="say where documents are")
    what.add_argument(
        "--forget-old", action="store_true", help="delete the vectors of former models: no way back"
    )
    parser.add_argument(
        "--provider", metavar="NAME", help="of --to: local, or the server's host:port"
    )
    parser.add_argument(
        "--assistant", type=int, action="append", default=[], metavar="ID", help="only of this one"
    )
    parser.add_argument("--user", metavar="NAME", help="only what is this user's")
    parser.add_argument("--json", action="store_true", help="one JSON object at the end")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Reindex, beside a server or without one; 1 when a collection failed."""
    log_to_stderr()
    try:
        return with_services(load_settings(), lambda services: _act(services, arguments))
    except asyncio.CancelledError:
        print("Stopped. The same command goes on where this one was.")
        return 130


async def _act(services: Services, arguments: argparse.Namespace) -> int:
    cancel_on_stop()
    selection = Selection(arguments.assistant, arguments.user)
    if arguments.status:
        _show_status(await work.status(services, selection), as_json=arguments.json)
        return 0
    if arguments.forget_old:
        gone = await work.forget_old(services, selection)
        print(json.dumps({"vectors": gone}) if arguments.json else f"{gone:,} vectors are deleted.")
        return 0

    def move(progress: Progress) -> Awaitable[Report]:
        if arguments.back:
            return work.back(services, selection, progress)
        model = Model(arguments.to, arguments.provider)
        return work.to_model(services, selection, model, progress)

    report = await _followed(move, quiet=arguments.json)
    _show(report, as_json=arguments.json)
    return 1 if report.failed else 0


async def _followed(move: Callable[[Progress], Awaitable[Report]], *, quiet: bool) -> Report:
    """Show the progress: a bar on a terminal, a line now and then elsewhere."""
    console = Console(stderr=True, quiet=quiet)
    began = told = time.monotonic()
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        shown = bar.add_task("", total=None)

        def tell(progress: Progress) -> None:
            nonlocal told
            ready = min(progress.ready, progress.passages)
            total = progress.passages or None
            bar.update(shown, total=total, completed=ready, description=progress.doing)
            if not console.is_terminal and time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                said = f"{ready:,} of {progress.passages:,} passages; {progress.doing}"
                console.print(said, soft_wrap=True)

        report = await move(Progress(on_change=tell))
    report.seconds = round(time.monotonic() - began, 1)
    return report


def _show(report: Report, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(report), ensure_ascii=False))
        return
    if report.called_off:
        print(
            f"{len(report.called_off)} collections stay in the space of {report.model}: the move "
            "that was begun is called off, and its vectors are deleted."
        )
    if not report.switched and not report.failed:
        if not report.called_off:
            print(f"Nothing to do: {len(report.already)} collections, and none to move.")
        return
    print(
        f"{len(report.switched)} collections are in the space of {report.model} now: "
        f"{report.embedded:,} passages embedded, {report.reused:,} reused, in {report.seconds} s."
    )
    if report.already:
        print(f"  {len(report.already)} stay where they were.")
    for public_id, why in report.failed.items():
        print(f"  failed: {public_id}: {why}")
    if report.switched:
        print("  aiconvokit reindex --back goes back, --forget-old gives the disk back.")


def _show_status(states: list[State], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([_plain(one) for one in states], ensure_ascii=False))
        return
    table = Table("collection", "name", "user", "assistants", "passages", "model", "on its way to")
    table.add_column("was")
    for one in states:
        found = one.collection
        way = f"{one.next}: {one.filled:,}" if one.next else ""
        table.add_row(
            found.public_id,
            found.name,
            found.username,
            ", ".join(map(str, found.assistants)),
            f"{found.chunk_count:,}",
            one.space,
            way,
            one.previous or "",
        )
    Console().print(table)


def _plain(state: State) -> dict[str, object]:
    found = state.collection
    return {
        "collection": found.public_id,
        "name": found.name,
        "user": found.username,
        "assistants": found.assistants,
        "passages": found.chunk_count,
        "model": state.space,
        "next": state.next,
        "next_passages": state.filled,
        "previous": state.previous,
    }
