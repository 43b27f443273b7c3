"""Messages of threads."""
