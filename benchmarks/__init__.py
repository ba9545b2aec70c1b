"""Speed and memory, each as a script that prints a table; `python -m benchmarks` runs them all."""
