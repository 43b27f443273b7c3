"""Files that were uploaded by themselves."""
