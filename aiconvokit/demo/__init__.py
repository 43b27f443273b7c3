"""A try-out in one command: two documents of an invented company, and questions to ask of them."""
