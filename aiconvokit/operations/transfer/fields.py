"""What the fields of lines may hold: ids, numbers, times.

What comes from an export is untrusted. These bounds are those of the database's columns and of what
is reckoned with them: no server shows anything beyond.
"""

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta, Struct

from ingestion.language import CONFIGURATIONS

MOST = 2**40
"""Larger numbers are nobody's: they would use up those that a server can still give."""
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)
"""Times of servers; a year behind the last, or 2^40 milliseconds, are still such as Python has."""

Id = Annotated[str, Meta(pattern=r"\A[a-z]{1,20}[_-][0-9A-Za-z_-]{1,100}\Z")]
Number = Annotated[int, Meta(ge=1, le=MOST)]
Amount = Annotated[int, Meta(ge=0, le=MOST)]
Small = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Version = Annotated[int, Meta(ge=1, le=2**30)]
"""There is room for those that follow."""
Days = Annotated[int, Meta(ge=1, le=365)]
Milliseconds = Annotated[float, Meta(ge=0, le=MOST)]
Second = Annotated[int, Meta(ge=0, le=int(LAST.timestamp()))]
"""Since 1970."""
Score = Annotated[float, Meta(ge=-(10**9), le=10**9)]
Visitor = Annotated[str, Meta(max_length=100)]
MediaType = Annotated[str, Meta(pattern=r"\A[a-z]{1,40}/[0-9A-Za-z.+-]{1,100}\Z")]
Moment = Annotated[datetime, Meta(tz=True)]
Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Language = Annotated[str, Meta(pattern=rf"\A({'|'.join(CONFIGURATIONS)})\Z")]
Metadata = dict[str, str]


class Dated(Struct):
    """Something with times, which are ones."""

    def __post_init__(self) -> None:
        """Refuse other times; what is wrong with a line is said by who reads it."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, datetime) and not FIRST <= value < LAST:
                raise ValueError(f"{name} is not between {FIRST.year} and {LAST.year}")
