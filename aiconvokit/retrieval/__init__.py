"""Search: one hybrid SQL statement, fused by pure functions."""
