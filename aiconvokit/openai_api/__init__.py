"""The OpenAI-compatible surface, `/v1`: other names for the same services."""
