"""`aiconvokit users`: whoever may log in, also where registration is closed."""

import argparse
import getpass
import sys
from collections.abc import Awaitable, Callable

from aiconvokit.accounts import audit, audit_queries, invitations, passwords, queries
from aiconvokit.accounts.deletions import Removed
from aiconvokit.accounts.passwords import Passwords
from aiconvokit.accounts.routes import NAME_TAKEN
from aiconvokit.accounts.schemas import GivenPassword, NewUser
from aiconvokit.accounts.tables import User
from aiconvokit.assistants.removal import clean_up, remove_everything_of
from aiconvokit.cli.runtime import load_settings, log_to_stderr, with_services
from aiconvokit.errors import InvalidFields
from aiconvokit.rest.body import Body
from aiconvokit.rest.fields import read_fields
from aiconvokit.services import Services

Action = Callable[[Services, argparse.Namespace], Awaitable[int]]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand with its own."""
    parser = commands.add_parser("users", help="make, invite, list, suspend and delete users")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    new = actions.add_parser("create", help="make a user; the password is asked for, or read")
    new.add_argument("name")
    new.add_argument("--email", default="", help="shown to nobody")
    new.add_argument("--admin", action="store_true", help="may administer this server")
    new.set_defaults(run=run, action=_create)
    actions.add_parser("list", help="all users").set_defaults(run=run, action=_list)
    invite = actions.add_parser("invite", help="print a link that makes one account")
    invite.add_argument("--by", metavar="NAME", help="the user who invites")
    invite.add_argument(
        "--days",
        type=_days,
        default=invitations.DEFAULT_DAYS,
        help=f"until it ends, at most {invitations.MAX_DAYS} (%(default)s)",
    )
    invite.set_defaults(run=run, action=_invite)
    for name, action, does in (
        ("reset-password", _reset_password, "give a user a new password, and end all tokens"),
        ("suspend", _suspend, "refuse a user's logins and tokens"),
        ("resume", _resume, "let a suspended user in again"),
        ("delete", _delete, "delete a user with assistants, documents and chats"),
    ):
        known = actions.add_parser(name, help=does)
        known.add_argument("name")
        known.set_defaults(run=run, action=action)


def _days(text: str) -> int:
    days = int(text)
    if not 1 <= days <= invitations.MAX_DAYS:
        raise argparse.ArgumentTypeError(f"1 to {invitations.MAX_DAYS} days")
    return days


def run(arguments: argparse.Namespace) -> int:
    """Do it on this machine's database; 1 when it cannot be done."""
    log_to_stderr()
    action: Action = arguments.action
    return with_services(load_settings(), lambda services: action(services, arguments))


async def _create(services: Services, arguments: argparse.Namespace) -> int:
    given = {"username": arguments.name, "email": arguments.email, "password": _password()}
    try:
        wanted = read_fields(
            Body(given, is_form=False), NewUser, {"password": passwords.weaknesses}
        )
    except InvalidFields as error:
        return _complain(str(error))
    password_hash = await Passwords().hash(wanted.password)
    async with services.sessions.begin() as session:
        user = await queries.insert_user(session, wanted.username, wanted.email, password_hash)
        if user is not None:
            await audit.note(session, "user.created", "user", user.id)
            if arguments.admin:
                await queries.set_admin(session, user.id)
    if user is None:
        return _complain(NAME_TAKEN)
    print(f"User {user.username} has id {user.id}.")
    return 0


def _password() -> str:
    """Typed twice at a terminal; one line of standard input in a script."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    while True:
        typed = getpass.getpass("Password: ")
        if typed == getpass.getpass("Again: "):
            return typed
        print("The two differ.")


async def _list(services: Services, _: argparse.Namespace) -> int:
    async with services.sessions() as session:
        found = await queries.users(session)
    for user in found:
        state = "active" if user.is_active else "suspended"
        role = "admin" if user.is_admin else "user"
        print(f"{user.id}\t{user.username}\t{user.email}\t{role}\t{state}")
    return 0


async def _invite(services: Services, arguments: argparse.Namespace) -> int:
    async with services.sessions.begin() as session:
        by = arguments.by
        if by is not None and await queries.user_by_name(session, by) is None:
            return _unknown(by)
        made = await invitations.invite(session, by or audit.COMMAND_LINE, arguments.days)
    base = services.settings.base_url
    print((base or "").rstrip("/") + invitations.path_of(made.secret))
    if base is None:
        note = "Put your server's address in front of it, or set AICONVOKIT_BASE_URL."
        print(note, file=sys.stderr)
    return 0


async def _reset_password(services: Services, arguments: argparse.Namespace) -> int:
    async with services.sessions() as session:
        if await queries.user_by_name(session, arguments.name) is None:
            return _unknown(arguments.name)
    given = Body({"password": _password()}, is_form=False)
    try:
        wanted = read_fields(given, GivenPassword, {"password": passwords.weaknesses})
    except InvalidFields as error:
        return _complain(str(error))
    password_hash = await Passwords().hash(wanted.password)
    async with services.sessions.begin() as session:
        found = await queries.user_by_name(session, arguments.name)
        user = await queries.hold_user(session, found.id) if found else None
        if user is None:
            return _unknown(arguments.name)
        await queries.set_password_hash(session, user.id, password_hash)
        ended = await queries.drop_all_tokens(session, user.id)
        await audit.note(session, "user.password_reset", "user", user.id)
    print(f"User {user.username} has a new password. Tokens that ended: {len(ended)}.")
    return 0


async def _suspend(services: Services, arguments: argparse.Namespace) -> int:
    if not await _set_active(services, arguments.name, is_active=False):
        return _unknown(arguments.name)
    print(f"User {arguments.name} is suspended: logins and tokens are refused.")
    return 0


async def _resume(services: Services, arguments: argparse.Namespace) -> int:
    if not await _set_active(services, arguments.name, is_active=True):
        return _unknown(arguments.name)
    print(f"User {arguments.name} may log in again; tokens from before are good again.")
    return 0


async def _set_active(services: Services, name: str, *, is_active: bool) -> bool:
    async with services.sessions.begin() as session:
        user = await queries.user_by_name(session, name)
        if user is None:
            return False
        await queries.set_active(session, user.id, is_active=is_active)
        action: audit.Action = "user.resumed" if is_active else "user.suspended"
        await audit.note(session, action, "user", user.id)
    return True


async def _delete(services: Services, arguments: argparse.Namespace) -> int:
    removed = Removed()
    async with services.sessions.begin() as session:
        user: User | None = await queries.user_by_name(session, arguments.name)
        if user is None:
            return _unknown(arguments.name)
        unused = await remove_everything_of(session, user.id, removed)
        # What goes with the user's own row is counted before it does.
        threads, messages = await queries.conversations_of(session, user.id)
        removed.messages += messages
        removed.tokens = await queries.drop_all_tokens(session, user.id)
        await queries.delete_user(session, user.id)
        await audit.note(session, "user.deleted", "user", user.id)
        receipt = await audit_queries.last_id(session)
    await clean_up(services, removed, unused)
    print(
        f"User {user.username} is deleted, with {len(removed.assistants)} assistants, "
        f"{len(removed.documents)} documents and {len(removed.chats)} chats.\n"
        f"Receipt {receipt} (in the audit trail): user {user.id}, {removed.messages} messages, "
        f"{threads} threads of no assistant, {removed.pages} pages, {removed.passages} passages, "
        f"{len(unused)} files, {len(removed.tokens)} tokens, "
        f"{removed.redacted_answers} answers that lost their words."
    )
    return 0


def _unknown(name: str) -> int:
    return _complain(f"There is no user named {name}. See: aiconvokit users list")


def _complain(sentence: str) -> int:
    print(f"aiconvokit: {sentence}", file=sys.stderr)
    return 1
