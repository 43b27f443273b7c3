"""`aiconvokit eval`: how good search and answers are, on questions whose answers are known."""

import argparse
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import msgspec

from aiconvokit.cli.runtime import load_settings, log_to_stderr, with_services
from aiconvokit.cli.serve import worker_beside
from aiconvokit.errors import AIConvoKitError, ConfigurationError
from aiconvokit.evals import home, report, runs
from aiconvokit.evals.answers import answer, answer_figures
from aiconvokit.evals.ask import ask
from aiconvokit.evals.load import LoadedSet, existing, load
from aiconvokit.evals.read import find_sets
from aiconvokit.evals.runs import Run
from aiconvokit.evals.sets import QuestionSet
from aiconvokit.evals.vector_cache import caching
from aiconvokit.services import Services


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser("eval", help="measure search and answers on known questions")
    parser.add_argument("sets", nargs="+", type=Path, metavar="SET", help="a set, or a folder of")
    parser.add_argument("--assistant", type=int, metavar="ID", help="ask one that is there")
    parser.add_argument("--answers", action="store_true", help="answer, too: proof and abstention")
    parser.add_argument("--compare", type=Path, metavar="RUN.json", help="say what changed since")
    parser.add_argument("--out", type=Path, metavar="RUN.json", help="keep the run")
    parser.add_argument("--json", action="store_true", help="one JSON object at the end")
    parser.add_argument("--limit", type=_positive, metavar="N", help="questions of each set")
    parser.set_defaults(run=run)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def run(arguments: argparse.Namespace) -> int:
    """Evaluate; an older run to compare with is read first, so that a wrong one costs no time."""
    log_to_stderr()
    wanted = find_sets(arguments.sets)
    old = runs.read(arguments.compare) if arguments.compare else None
    settings = load_settings()
    folder = home.home(settings.data_dir)
    if arguments.assistant is None:
        home.remove_old_indexes(folder)
        settings = home.on_own_index(settings, folder)
    try:
        made = with_services(
            settings, lambda services: _evaluate(services, arguments, wanted, folder)
        )
    except AIConvoKitError as error:
        raise ConfigurationError(error.detail) from error
    _print(made, runs.compare(old, made) if old else {}, as_json=arguments.json)
    return 0


async def _evaluate(
    services: Services, arguments: argparse.Namespace, wanted: list[QuestionSet], folder: Path
) -> Run:
    async with caching(services, folder / home.VECTORS) as cached:
        made = Run(embedder=f"{services.embedder.model} ({services.embedder.provider})")
        console = report.console()
        async for loaded in _loaded(cached, arguments, wanted):
            _tell(f"{loaded.name}: asking")
            asked = await ask(cached, loaded, limit=arguments.limit)
            result = made.sets[loaded.name] = runs.set_run(loaded, asked)
            if arguments.answers:
                _tell(f"{loaded.name}: answering")
                result.answered = await answer(cached, loaded, limit=arguments.limit)
                result.answers = answer_figures(list(result.answered.values()))
            if arguments.out:  # after each set: a run may take an hour, and be cut off
                runs.save(made, arguments.out)
            if not arguments.json:
                report.show_set(console, loaded.name, result)
    return made


async def _loaded(
    services: Services, arguments: argparse.Namespace, wanted: list[QuestionSet]
) -> AsyncIterator[LoadedSet]:
    """One set after the other, so that the first figures come before the last document is read."""

    def reading() -> AbstractAsyncContextManager[None]:
        return worker_beside(services, wanted=True)

    for one in wanted:
        if arguments.assistant is not None:
            found = await existing(services, one, arguments.assistant)
            if found is None:
                raise ConfigurationError(f"There is no assistant {arguments.assistant}.")
            yield found
            continue
        for mode in one.modes:
            yield await load(services, one, mode, reading, _tell)


def _print(made: Run, comparisons: runs.Comparisons, *, as_json: bool) -> None:
    if as_json:
        shown = msgspec.to_builtins(made)
        for one in shown["sets"].values():
            del one["questions"], one["answered"]
        shown["compared"] = msgspec.to_builtins(comparisons)
        print(msgspec.json.encode(shown).decode())
        return
    console = report.console()
    report.show_summary(console, made)
    if comparisons:
        report.show_comparison(console, comparisons)


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
