"""What the operator sees: metrics, logs, traces. Features tell it facts; it asks them nothing.

No label and no attribute holds what a user wrote, or who it was: only ids in logs and traces, and
in metrics not even those.
"""
