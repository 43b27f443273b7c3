"""The conventions of `/api/v1`: bodies, fields, lists, addresses and errors."""
