"""The Gantt chart of an episode: from its event log (lives, curves) to a picture (canvas and what is drawn on it)."""
