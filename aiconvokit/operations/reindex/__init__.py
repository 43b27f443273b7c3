"""`aiconvokit reindex`: collections go to another embedding model, and back."""
