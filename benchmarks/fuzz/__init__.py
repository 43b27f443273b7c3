"""Requests that nobody would write, against both surfaces of a running server."""
