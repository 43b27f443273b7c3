"""`aiconvokit doctor`: looks at everything a server needs, and says what to do."""

import argparse
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console

from aiconvokit import schema
from aiconvokit.cli.runtime import ground, load_settings
from aiconvokit.cli.runtime import run as run_loop
from aiconvokit.config import Settings
from aiconvokit.embedded_postgres import EmbeddedPostgresError, default_data_dir
from aiconvokit.errors import ConfigurationError
from aiconvokit.operations.doctor import report
from aiconvokit.operations.doctor.examination import Examination, Patient
from aiconvokit.operations.doctor.findings import Findings, secrets_of


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser("doctor", help="look at everything, and say what to do")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Look, and report; 1 when anything failed."""
    # What the parts would log is among the findings, in whole sentences.
    logging.basicConfig(level=logging.CRITICAL)
    findings = _examine()
    if arguments.json:
        print(report.as_json(findings.all))
    else:
        report.show(findings.all)
    return 0 if findings.is_ok else 1


def _examine() -> Findings:
    try:
        settings = load_settings()
    except ConfigurationError as error:
        findings = Findings()
        findings.fail("settings", str(error), "Correct the variable; .env.example has them all.")
        return findings
    findings = Findings(secrets_of(settings))
    with Console(stderr=True).status("Looking …") as status, _patient(settings) as patient:
        examination = Examination(patient, findings, lambda part: status.update(f"{part} …"))
        run_loop(examination.run)
    return findings


@contextmanager
def _patient(settings: Settings) -> Iterator[Patient]:
    """The database, however it is: `ground` would refuse one that does not fit."""
    data_dir = settings.data_dir or default_data_dir()
    url, why = None, ""
    with ExitStack() as at_end:
        if settings.database_url is not None:
            url = settings.database_url.get_secret_value()
        else:
            try:
                url = at_end.enter_context(ground(settings)).database_url
            except (ConfigurationError, EmbeddedPostgresError) as error:
                why = str(error)
        yield Patient(
            settings=settings,
            data_dir=data_dir,
            database_url=url,
            is_embedded=settings.database_url is None,
            no_database=why,
            check_schema=schema.require_current,
        )
