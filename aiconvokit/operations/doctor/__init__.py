"""`aiconvokit doctor`: looks at every part a server needs, and says what to do about each fault."""
