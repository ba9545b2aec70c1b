"""Rows of the engine in Python's hands: run them, have displaced tasks assigned, read what came out."""

from tessera_env.simulation.planners import KuhnMunkres, NearestFirst, Planner
from tessera_env.simulation.rows import Simulation

__all__ = ["KuhnMunkres", "NearestFirst", "Planner", "Simulation"]
