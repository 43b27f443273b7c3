"""Runs and their steps."""
