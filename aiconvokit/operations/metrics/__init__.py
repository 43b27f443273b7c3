"""`/metrics`: what this process counted, and what the database and the pools say when asked."""
