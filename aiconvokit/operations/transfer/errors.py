"""What keeps a user's data from being exported or imported."""

from aiconvokit.errors import ConfigurationError


class TransferError(ConfigurationError):
    """There is no export, or it is not imported; one sentence says why."""
