"""A rule whose turning points are shifted by what it has learned: `yielding`, with shifts linear in what is seen."""
