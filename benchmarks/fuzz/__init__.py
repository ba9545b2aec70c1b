"""Good files made bad in every way, given to every reader of files."""
