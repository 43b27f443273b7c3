"""`aiconvokit stats`: how large everything is, and in which state."""
