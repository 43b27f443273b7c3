"""Whose requests are counted together."""

import pytest
from litestar.testing import RequestFactory

from aiconvokit.accounts.throttle import address_of


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("2001:db8:1:3::9", "2001:db8:1:3::"),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.7"),
        ("a-socket", "a-socket"),
        ("", "unknown"),
    ],
)
def test_addresses_of_one_site_are_one(host: str, counted: str) -> None:
    request = RequestFactory().get("/")
    request.scope["client"] = (host, 1)
    assert address_of(request) == counted
