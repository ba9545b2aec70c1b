"""Credit by task: each decision is judged by what its own task pays, and by what the fleet pays next."""
