"""How fast documents become searchable, and what it costs."""
