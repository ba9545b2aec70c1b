"""What a policy sees: the fields' names and meanings, how they are written, and the queue for those that plan."""

from tessera_env.observation.layout import Layout
from tessera_env.observation.queue import Queue

__all__ = ["Layout", "Queue"]
