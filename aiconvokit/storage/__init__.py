"""Where the bytes of uploads live: in a folder or an object store, each content once."""

from aiconvokit.storage.contents import PART, Kept, Storage, Stored
from aiconvokit.storage.folder import FolderStorage
from aiconvokit.storage.opening import FOLDER, open_storage

__all__ = ["FOLDER", "PART", "FolderStorage", "Kept", "Storage", "Stored", "open_storage"]
