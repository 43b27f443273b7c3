"""Chat models and embedders: one client policy for every server, and one that needs none."""
