"""The command `tessera`: one file a subcommand."""

from tessera_env.cli.program import main

__all__ = ["main"]
