"""A world's tasks: when they arrive, and what they are."""
