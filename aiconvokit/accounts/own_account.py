"""`/users/me/`: who one is, one's password, and tokens for programs."""

from typing import Any

from litestar import get, post, put
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import audit, passwords, queries, tokens
from aiconvokit.accounts.attempts import count_attempt
from aiconvokit.accounts.auth import principal_of, require_user
from aiconvokit.accounts.passwords import Passwords
from aiconvokit.accounts.schemas import NewPassword, NewToken, NewTokenOut, OwnAccount, TokenInfo
from aiconvokit.accounts.tables import Token, User
from aiconvokit.errors import Conflict, InvalidFields, NotAuthenticated
from aiconvokit.rest.body import ApiRequest, read_body
from aiconvokit.rest.fields import read_fields, stamp
from aiconvokit.rest.openapi import describe
from aiconvokit.services import Services

NOT_THE_PRESENT_ONE = "This is not the present password."


class TooManyTokens(Conflict):
    """A user has as many tokens with a name as fit; none of them goes by itself."""

    code = "too_many_tokens"

    def __init__(self, most: int) -> None:
        super().__init__(f"There are {most} tokens with a name already. Delete one of them first.")


@get("/users/me/", guards=[require_user])
async def get_own_account(
    request: ApiRequest, session: NamedDependency[AsyncSession], user_id: NamedDependency[int]
) -> OwnAccount:
    """Who one is, and by which token."""
    user = _there(await queries.user_by_id(session, user_id))
    token_id = principal_of(request.scope).token_id
    return OwnAccount(user.id, user.username, user.email, token_id)


@put(
    "/users/me/password/",
    status_code=204,
    guards=[require_user],
    operation_class=describe(NewPassword, errors=(429,)),
)
async def change_password(
    request: ApiRequest,
    services: NamedDependency[Services],
    hasher: NamedDependency[Passwords],
    user_id: NamedDependency[int],
) -> None:
    """Change one's password: all other logins end, tokens with a name stay."""
    body = await read_body(request, services.settings.limits)
    wanted = read_fields(body, NewPassword, {"new_password": passwords.weaknesses})
    async with services.sessions() as session:
        user = _there(await queries.user_by_id(session, user_id))
    await count_attempt(services, request, user.username)
    # No session is held while passwords are checked and hashed: that takes 23 ms of CPU each.
    if not await hasher.verify(user.password_hash, wanted.password):
        raise InvalidFields({"password": [NOT_THE_PRESENT_ONE]})
    password_hash = await hasher.hash(wanted.new_password)
    async with services.sessions.begin() as session:
        now = _there(await queries.hold_user(session, user_id))
        if now.password_hash != user.password_hash:  # changed by another request meanwhile
            raise InvalidFields({"password": [NOT_THE_PRESENT_ONE]})
        await queries.set_password_hash(session, user_id, password_hash)
        await queries.drop_other_logins(session, user_id, principal_of(request.scope).token_id)
        await audit.note(session, "user.password_changed", "user", user_id)


@post(
    "/users/me/tokens/",
    guards=[require_user],
    operation_class=describe(NewToken, errors=(409,)),
)
async def create_named_token(
    request: ApiRequest, services: NamedDependency[Services], user_id: NamedDependency[int]
) -> NewTokenOut:
    """Make a token for a program; it is shown this once."""
    limits = services.settings.limits
    wanted = read_fields(await read_body(request, limits), NewToken)
    secret = tokens.new_token()
    async with services.sessions.begin() as session:
        _there(await queries.hold_user(session, user_id))  # so that two are counted in turn
        if await queries.count_named_tokens(session, user_id) >= limits.max_tokens_per_user:
            raise TooManyTokens(limits.max_tokens_per_user)
        token = await queries.insert_named_token(
            session, user_id, tokens.kept_of(secret), wanted.name, wanted.expires_in_days
        )
        await audit.note(session, "token.created", "token", token.id)
        shown = show_token(token)
    return NewTokenOut(
        id=shown.id,
        hint=shown.hint,
        name=shown.name,
        created_at=shown.created_at,
        last_used_at=shown.last_used_at,
        expires_at=shown.expires_at,
        token=secret,
    )


def show_token(token: Token) -> TokenInfo:
    """A token without its secret."""
    return TokenInfo(
        id=token.id,
        hint=token.hint,
        name=token.name,
        created_at=stamp(token.created_at),
        last_used_at=stamp(token.last_used_at),
        expires_at=stamp(token.expires_at) if token.expires_at else None,
    )


def _there(user: User | None) -> User:
    """Who is asking; deleted since the token was looked at, perhaps."""
    if user is None:
        raise NotAuthenticated("User inactive or deleted.")
    return user


HANDLERS: list[Any] = [get_own_account, change_password, create_named_token]
"""The routes of this module."""
