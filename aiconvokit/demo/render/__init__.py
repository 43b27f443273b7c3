"""Draws the two sample documents: `python -m aiconvokit.demo.render` (reportlab is a dev extra)."""
