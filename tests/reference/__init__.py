"""A slow, obvious reference for the engine, and worlds to compare the two on."""
