"""Reading text that a user names: every way in which a file can be unreadable becomes one line."""

from pathlib import Path

MAX_BYTES = 256 * 1024 * 1024  # far above any scenario or trace; stops a wrong file before memory runs out


def read_text(path: Path, error: type[ValueError]) -> str:
    """The file's text, decoded as UTF-8, a byte order mark and carriage returns removed.

    Raises:
        error: the file is missing, a directory, unreadable, too large or not UTF-8; one line naming the file.
    """
    named = _named(path)
    try:
        if path.is_dir():
            raise error(f"{named}: is a directory (allowed: a file)")
        if not path.exists():
            raise error(f"{named}: no such file")
        if not path.is_file():
            raise error(f"{named}: is not a regular file")
        if path.stat().st_size > MAX_BYTES:
            raise error(f"{named}: has {path.stat().st_size} bytes (allowed: up to {MAX_BYTES})")
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as problem:
        raise error(f"{named}: byte {problem.start}: is not UTF-8 text") from None
    except OSError as problem:
        raise error(f"{named}: cannot be read ({problem.strerror or problem})") from None
    except ValueError as problem:  # a null character in the path
        raise problem if isinstance(problem, error) else error(f"{named}: is not a path ({problem})") from None


def _named(path: Path) -> str:
    """The path as text of one line."""
    return str(path) if str(path).isprintable() else repr(str(path))
