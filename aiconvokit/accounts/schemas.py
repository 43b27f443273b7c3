"""Shapes of users and tokens on the wire."""

from datetime import datetime

from msgspec import Struct

from aiconvokit.rest.fields import Email, Password, Username


class NewUser(Struct):
    username: Username
    email: Email
    password: Password


class UserOut(Struct):
    id: int
    username: str
    email: str


class Login(Struct):
    username: Username
    password: Password


class TokenOut(Struct):
    token: str


class TokenInfo(Struct):
    """A token as its owner sees it: never the secret."""

    id: int
    hint: str
    created_at: datetime
    last_used_at: datetime
