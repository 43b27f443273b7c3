"""Shapes of users, tokens and usage on the wire."""

from datetime import date

from msgspec import Struct

from aiconvokit.rest.fields import Email, Password, Timestamp, Username, WrittenName


class NewUser(Struct, kw_only=True):
    username: Username
    email: Email = ""
    password: Password


class UserOut(Struct):
    id: int
    username: str
    email: str


class Login(Struct):
    username: WrittenName
    password: Password


class TokenOut(Struct):
    token: str


class TokenInfo(Struct):
    """A token as its owner sees it: never the secret."""

    id: int
    hint: str
    created_at: Timestamp
    last_used_at: Timestamp


class UsageOut(Struct):
    """What one asked one assistant on one day (UTC), summed up."""

    day: date
    assistant_id: int
    questions: int
    prompt_tokens: int
    completion_tokens: int
