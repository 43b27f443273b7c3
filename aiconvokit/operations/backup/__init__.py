"""A backup of the whole server in one file, made while it runs, and the way back."""
