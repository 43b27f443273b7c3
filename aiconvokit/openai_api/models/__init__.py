"""Models: the assistants of the caller, and the chat model."""
