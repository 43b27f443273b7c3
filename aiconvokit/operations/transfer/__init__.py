"""One user's data in a folder of plain files: the way out of a server, and into another one."""
