"""`aiconvokit check`: whether everything is there that should be, and nothing else."""
