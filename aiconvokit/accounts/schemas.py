"""Shapes of users, tokens and usage on the wire."""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from aiconvokit.accounts.invitations import DEFAULT_DAYS, MAX_DAYS
from aiconvokit.rest.fields import Email, Password, Timestamp, Username, WrittenName

TokenName = Annotated[str, Meta(max_length=100)]


class NewUser(Struct, kw_only=True):
    username: Username
    email: Email = ""
    password: Password
    invitation: Annotated[str, Meta(max_length=100)] | None = None


class UserOut(Struct):
    id: int
    username: str
    email: str


class OwnAccount(Struct):
    """Who one is; `token_id` is the token that one came with: to revoke it is to log out."""

    id: int
    username: str
    email: str
    token_id: int


class Login(Struct):
    username: WrittenName
    password: Password


class TokenOut(Struct):
    token: str


class TokenInfo(Struct):
    """A token as its owner sees it, without the secret. A login has no name and no date."""

    id: int
    hint: str
    name: str | None
    created_at: Timestamp
    last_used_at: Timestamp
    expires_at: Timestamp | None


class NewTokenOut(TokenInfo):
    """A new token with its secret, which is shown this once."""

    token: str


class NewToken(Struct):
    name: TokenName
    expires_in_days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class NewPassword(Struct):
    """`password` is the present one."""

    password: Password
    new_password: Password


class UsageOut(Struct):
    """What one asked one assistant on one day (UTC), summed up."""

    day: date
    assistant_id: int
    questions: int
    prompt_tokens: int
    completion_tokens: int


class GivenPassword(Struct):
    """A password that an operator gives somebody."""

    password: Password


class NewInvitation(Struct):
    """How long it can be used."""

    days: Annotated[int, Meta(ge=1, le=MAX_DAYS)] = DEFAULT_DAYS


class InvitationOut(Struct):
    """An invitation without its secret; `user_id` is whose account was made with it."""

    id: int
    hint: str
    invited_by: str
    created_at: Timestamp
    expires_at: Timestamp
    used_at: Timestamp | None
    user_id: int | None


class NewInvitationOut(InvitationOut):
    """A new invitation with its secret and its link, which are shown this once."""

    invitation: str
    link: str


class AuditOut(Struct):
    """That somebody did something; without an `actor_id` nobody who was logged in."""

    id: int
    at: Timestamp
    actor_id: int | None
    actor: str
    action: str
    object_kind: str | None
    object_id: str | None
    address: str | None
    request_id: str | None
