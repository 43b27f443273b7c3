"""AIConvoKit: assistants with instructions and files, on your own machine."""

__version__ = "0.1.0"
