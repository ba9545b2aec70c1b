"""Evolution strategies: a rule's learned shifts, found by playing whole worlds with and against small changes."""
