"""Tasks: generators and readers."""
