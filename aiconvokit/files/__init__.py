"""Files and the documents they are in a collection: stored, queued, shown, removed."""
