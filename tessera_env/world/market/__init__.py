"""A world's market: prices, capacity and hazards of every pool, generated or replayed."""
