"""What `render()` shows: events as lines, the Gantt chart, and the canvas of every picture."""
