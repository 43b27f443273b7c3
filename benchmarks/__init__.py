"""What is measured, each by a command that anyone can run."""
