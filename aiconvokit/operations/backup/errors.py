"""What keeps a backup from being made or restored."""

from aiconvokit.errors import ConfigurationError


class BackupError(ConfigurationError):
    """A backup cannot be made or is not restored; one sentence says why."""
