"""Formats, one file each, and the sandbox that runs them."""
