"""Files: strict reading, writing that loses nothing, and CSV tables with all their problems."""
