"""Vector stores, their files, batches and searches."""
