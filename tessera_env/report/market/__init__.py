"""A market as curves, as an interactive page, and as a picture."""
