"""A world's demand: how many requests a service gets over time, and how many replicas it is to have for them."""
