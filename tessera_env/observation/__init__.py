"""What a policy sees: the fields' names and meanings, and how they are written."""

from tessera_env.observation.layout import Layout

__all__ = ["Layout"]
