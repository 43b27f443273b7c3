"""Assistants: a name, a company, instructions, and the collections they may read."""
