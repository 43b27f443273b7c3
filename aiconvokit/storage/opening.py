"""Which storage the settings ask for."""

from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from aiconvokit.config import Settings
from aiconvokit.errors import ConfigurationError
from aiconvokit.storage.contents import Storage
from aiconvokit.storage.folder import FolderStorage

FOLDER = "files"
"""In the data folder; with an object store it holds what is being sent."""
SCHEMES = ("s3", "gs", "az")
SPELLING = "AICONVOKIT_STORAGE_URL must look like s3://bucket/prefix (or gs://…, az://…)."
NO_SECRETS = "AICONVOKIT_STORAGE_URL holds no credentials or options: they are variables, AWS_…."
UNUSABLE = (
    "The object store of AICONVOKIT_STORAGE_URL cannot be opened: look at the variables of its "
    "credentials, of which none may be empty."
)
EXTRA = (
    "AICONVOKIT_STORAGE_URL needs the extra: pip install 'aiconvokit[object-storage]' "
    "(or unset it: uploads are kept in the data folder)."
)


def open_storage(settings: Settings, data_dir: Path) -> Storage:
    """The storage of a server; an object store is not asked for anything yet.

    Raises:
        ConfigurationError: the URL cannot be used; its value is not repeated.
    """
    folder = data_dir / FOLDER
    if settings.storage_url is None:
        return FolderStorage(folder)
    url = _checked(settings.storage_url)
    if find_spec("obstore") is None:
        raise ConfigurationError(EXTRA)
    # Only here: who keeps uploads in a folder has no need of the extra.
    from obstore.exceptions import BaseError  # noqa: PLC0415  # as said

    from aiconvokit.storage.objects import ObjectStorage  # noqa: PLC0415  # as said

    try:
        return ObjectStorage(url, folder, allow_http=settings.storage_allows_http)
    except (BaseError, ValueError):
        raise ConfigurationError(UNUSABLE) from None


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        has_more = parts.username or parts.password or parts.port or parts.query or parts.fragment
    except ValueError:
        raise ConfigurationError(SPELLING) from None
    if has_more:
        raise ConfigurationError(NO_SECRETS)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise ConfigurationError(SPELLING)
    return url
