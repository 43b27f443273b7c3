"""`/users/` and `/tokens/`: registration, login, and what is one's own."""

from typing import Any

from litestar import Response, Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import (
    audit,
    audit_routes,
    deletions,
    invitation_queries,
    invitation_routes,
    invitations,
    own_account,
    passwords,
    queries,
    tokens,
    usage,
)
from aiconvokit.accounts.attempts import count_attempt
from aiconvokit.accounts.audit import Actor
from aiconvokit.accounts.auth import require_user
from aiconvokit.accounts.own_account import show_token
from aiconvokit.accounts.passwords import Passwords
from aiconvokit.accounts.schemas import Login, NewUser, TokenInfo, TokenOut, UserOut
from aiconvokit.accounts.tables import Token, User
from aiconvokit.acting import DOOR, act_for
from aiconvokit.errors import Forbidden, InvalidFields, NotFound
from aiconvokit.rest.body import ApiRequest, read_body
from aiconvokit.rest.fields import read_fields
from aiconvokit.rest.lists import MAX_ID, answer, window
from aiconvokit.rest.openapi import LIST, describe
from aiconvokit.services import Services

NAME_TAKEN = "A user with that username already exists."
_LOOKS = 2
"""At a user: another login may have renewed the hash meanwhile, which is no wrong password."""
WRONG_LOGIN = "Unable to log in with provided credentials."


@post("/users/", operation_class=describe(NewUser, errors=(403, 429)), security=[{}])
async def create_user(
    request: ApiRequest, services: NamedDependency[Services], hasher: NamedDependency[Passwords]
) -> UserOut:
    """Register a user, by an invitation where registration is closed."""
    act_for(DOOR)  # whatever token comes with the request
    body = await read_body(request, services.settings.limits)
    if services.settings.registration == "closed" and not body.values.get(invitations.FIELD):
        raise Forbidden("Registration is closed on this server.", code="registration_closed")
    wanted = read_fields(body, NewUser, {"password": passwords.weaknesses})
    if wanted.invitation is not None:
        await invitations.count_attempt(services, request)
        async with services.sessions() as session:  # before any work is done for who has none
            await invitations.hold(session, wanted.invitation)
    password_hash = await hasher.hash(wanted.password)
    user = await _registered(services, wanted, password_hash)
    return UserOut(user.id, user.username, user.email)


async def _registered(services: Services, wanted: NewUser, password_hash: str) -> User:
    """A new user, whose invitation is used up.

    Raises:
        InvalidFields: the name is taken, or somebody else was faster with the invitation.
    """
    async with services.sessions.begin() as session:
        held = await invitations.hold(session, wanted.invitation) if wanted.invitation else None
        user = await queries.insert_user(session, wanted.username, wanted.email, password_hash)
        if user is None:
            raise InvalidFields({"username": [NAME_TAKEN]})
        if held is not None:
            await invitation_queries.use(session, held.id, user.id)
        actor = Actor(user.id, user.username)
        await audit.note(session, "user.created", "user", user.id, actor=actor)
    return user


@post("/tokens/", status_code=200, operation_class=describe(Login, errors=(429,)), security=[{}])
async def create_token(
    request: ApiRequest, services: NamedDependency[Services], hasher: NamedDependency[Passwords]
) -> TokenOut:
    """Log in: a new token each time; the old ones stay valid."""
    act_for(DOOR)  # whatever token comes with the request
    wanted = read_fields(await read_body(request, services.settings.limits), Login)
    await count_attempt(services, request, wanted.username)
    user: User | None = None
    for _ in range(_LOOKS):
        async with services.sessions() as session:
            user = await queries.user_by_name(session, wanted.username)
        # No session is held while the password is checked: that takes 23 ms of CPU.
        fits = await hasher.verify(user.password_hash if user else None, wanted.password)
        if user is None or not fits or not user.is_active:
            break
        is_outdated = hasher.is_outdated(user.password_hash)
        fresh = await hasher.hash(wanted.password) if is_outdated else None
        secret = await _issue(services, user, fresh)
        if secret is not None:
            return TokenOut(secret)
    await audit.note_failed_login(services, Actor(user.id, user.username) if user else None)
    raise InvalidFields({"non_field_errors": [WRONG_LOGIN]})


async def _issue(services: Services, user: User, fresh_hash: str | None) -> str | None:
    """A new login's token; None when the user is not any more as the password was checked."""
    secret = tokens.new_token()
    async with services.sessions.begin() as session:
        now = await queries.hold_user(session, user.id)  # a change of the password waits for us
        if now is None or not now.is_active or now.password_hash != user.password_hash:
            return None
        if fresh_hash:
            await queries.set_password_hash(session, user.id, fresh_hash)
        token = await queries.insert_token(session, user.id, tokens.kept_of(secret))
        actor = Actor(user.id, user.username)
        await audit.note(session, "login", "token", token.id, actor=actor)
        keep = services.settings.limits.max_tokens_per_user
        await queries.drop_surplus_tokens(session, user.id, keep)
    return secret


@get("/tokens/", guards=[require_user], operation_class=describe(query=LIST))
async def list_tokens(
    request: ApiRequest, session: NamedDependency[AsyncSession], user_id: NamedDependency[int]
) -> Response[list[TokenInfo]]:
    """One's own tokens, oldest first."""
    wanted = window(request)
    return answer(request, await queries.tokens_of(session, user_id, wanted), show_token, wanted)


@get("/tokens/{token_id:int}/", guards=[require_user])
async def get_token(
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    token_id: FromPath[int],
) -> TokenInfo:
    """One of one's own tokens."""
    return show_token(await _own_token(session, user_id, token_id))


@delete("/tokens/{token_id:int}/", guards=[require_user])
async def revoke_token(
    request: ApiRequest,
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    token_id: FromPath[int],
) -> Response[None]:
    """Log a token out."""
    token = await _own_token(session, user_id, token_id)
    await queries.delete_token(session, token.id)
    removed = deletions.Removed(tokens=[token.id])
    return deletions.answer(
        request, await deletions.keep(session, user_id, "token", token.id, removed)
    )


async def _own_token(session: AsyncSession, user_id: int, token_id: int) -> Token:
    known = 0 <= token_id <= MAX_ID
    token = await queries.token_of(session, user_id, token_id) if known else None
    if token is None:
        raise NotFound.of("Token")
    return token


def router() -> Router:
    """The routes of this feature."""
    handlers: list[Any] = [
        create_user,
        create_token,
        list_tokens,
        get_token,
        revoke_token,
        *own_account.HANDLERS,
        deletions.get_deletion,
        usage.list_usage,
        audit_routes.list_audit,
        *invitation_routes.HANDLERS,
    ]
    return Router("/", route_handlers=handlers, tags=["accounts"])
