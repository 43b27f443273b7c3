"""Running the server: whether it is well, and what it offers."""
