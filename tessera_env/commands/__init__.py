"""The subcommands of `tessera`, one file each: a dataclass of its options with a `run` method."""
