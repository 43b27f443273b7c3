"""Originals that answers cite, for browsers that have no token."""
