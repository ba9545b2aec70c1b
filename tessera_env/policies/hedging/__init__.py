"""A rule for services whose turning points are shifted by what it has learned: `spot_hedge_plus`, and linear shifts."""
