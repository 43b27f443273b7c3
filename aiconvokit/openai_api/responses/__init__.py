"""Responses: a question answered with one call, from what was said before and from documents."""
