"""Speed and memory, one file a table."""
