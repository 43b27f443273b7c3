"""A question becomes an answer whose quotes are proven."""
