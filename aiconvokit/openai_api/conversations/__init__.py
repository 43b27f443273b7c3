"""Conversations: what responses go on in."""
