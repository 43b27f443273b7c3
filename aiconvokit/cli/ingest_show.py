"""What `aiconvokit ingest` shows: how far it is, and what it came to."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from aiconvokit.assistants import folder
from aiconvokit.assistants.folder import Ended
from aiconvokit.cli.runtime import cancel_on_stop
from aiconvokit.services import Services
from ingestion.batch import Found


@dataclass(slots=True)
class Report:
    """What a run came to; also what --json prints. `renamed` is old name -> new name."""

    assistant_id: int
    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    relabelled: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    pages: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read, for whom, and what opens files that need a password."""

    owner_id: int
    files: Sequence[Found]
    password: str | None = field(default=None, repr=False)


async def follow(services: Services, report: Report, todo: Reading, *, quiet: bool) -> None:
    """Show the progress: a bar on a terminal, a line a file elsewhere."""
    cancel_on_stop()
    console = Console(stderr=True, quiet=quiet)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[rate]:.1f} pages/s"),
        TextColumn("{task.fields[file]}"),
    )
    began = time.monotonic()
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        shown = bar.add_task("Reading", total=len(todo.files), rate=0.0, file="")
        async for progress in folder.ingest(
            services, todo.owner_id, report.assistant_id, todo.files, todo.password
        ):
            for one in progress.ended:
                _note(report, one, console)
            rate = report.pages / (time.monotonic() - began)
            file = ", ".join(progress.in_work)[:60]
            bar.update(shown, advance=len(progress.ended), rate=rate, file=file)


def _note(report: Report, one: Ended, console: Console) -> None:
    report.pages += one.pages
    if one.problem is not None:
        report.failed[one.name] = one.problem
    if not console.is_terminal:
        console.print(f"{one.name}: {one.problem or f'{one.pages} pages'}", soft_wrap=True)


def show(report: Report, *, dry_run: bool, as_json: bool) -> None:
    """Print what a run came to, or would come to."""
    if as_json:
        print(json.dumps(asdict(report), ensure_ascii=False))
        return
    counts = {
        "new": len(report.new),
        "changed": len(report.changed),
        "renamed": len(report.renamed),
        "with other attributes": len(report.relabelled),
        "tried again": len(report.unfinished),
        "known already": len(report.known),
        "deleted": len(report.deleted),
        "failed": len(report.failed),
    }
    said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    did = "Would read" if dry_run else f"{report.pages} pages in {report.seconds} s"
    print(f"Assistant {report.assistant_id}: {did}: {said or 'nothing'}.")
    for old, new in report.renamed.items():
        print(f"  renamed: {old}: {new}")
    for name in report.deleted:
        print(f"  {'would be deleted' if dry_run else 'deleted'}: {name}")
    for name, problem in report.failed.items():
        print(f"  failed: {name}: {problem}")
