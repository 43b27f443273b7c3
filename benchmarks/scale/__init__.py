"""Many passages in many collections: what they weigh, and how long a search takes among them."""
