"""`aiconvokit check`: whether everything is there that should be, and nothing else."""

import argparse
from collections.abc import Sequence

import msgspec

from aiconvokit.cli.runtime import load_settings, log_to_stderr, with_services
from aiconvokit.operations.check.examination import Patience, check
from aiconvokit.operations.check.kinds import Finding


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "check", help="look for what is missing, left behind or miscounted"
    )
    parser.add_argument("--repair", action="store_true", help="and repair it")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Look, and report; 1 when something is wrong and was not repaired."""
    log_to_stderr()
    findings = with_services(
        load_settings(), lambda services: check(services, Patience(), repair=arguments.repair)
    )
    is_ok = all(one.repaired for one in findings)
    if arguments.json:
        print(msgspec.json.encode({"ok": is_ok, "findings": findings}).decode())
    else:
        show(findings, repair=arguments.repair)
    return 0 if is_ok else 1


def show(findings: Sequence[Finding], *, repair: bool) -> None:
    """Print what was found; `repair`: and whether it was repaired."""
    if not findings:
        print("Everything is there, and nothing else.")
    for one in findings:
        print(f"{one.kind}: {one.count}. {one.found}")
        print(f"  for example: {'; '.join(one.examples)}")
        told = "Repaired" if one.repaired else "Not repaired" if repair else "With --repair"
        print(f"  {told}: {one.repair}")
