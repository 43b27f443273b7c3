"""A fake OpenAI-compatible model server that speaks real HTTP; see `server` and `modes`."""
