"""Paths as users write them."""

from pathlib import Path


def expanded(path: str | Path) -> Path:
    """The path with the home folder in place of `~`, which a shell leaves behind `=` and `,`; as it is without one."""
    try:
        return Path(path).expanduser()
    except (RuntimeError, ValueError):  # no such user, or nobody's home is known; a null character
        return Path(path)
