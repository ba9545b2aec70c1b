"""Paths as users write them."""

from pathlib import Path


def expanded(path: str | Path) -> Path:
    """The path with the home folder in place of `~`, which a shell leaves behind `=` and `,`; as it is without one."""
    try:
        return Path(path).expanduser()
    except RuntimeError:  # no such user, or nobody's home is known
        return Path(path)
