"""The ground floor: bytes become searchable passages.

Nothing here knows of HTTP, users, jobs or settings; `aiconvokit` stands on it.
"""
