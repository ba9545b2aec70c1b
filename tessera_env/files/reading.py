"""Reading text that a user names: every way in which a file can be unreadable becomes one line."""

from pathlib import Path

from tessera_env.files.kinds import kind_of_content, kind_of_path
from tessera_env.files.paths import expanded
from tessera_env.files.problems import MAX_LINES, Problems, named

MAX_BYTES = 256 * 1024 * 1024  # far above any scenario or trace; stops a wrong file before memory runs out
_MARK = b"\xef\xbb\xbf"  # of the byte order, which some editors write first


def read_text(path: Path, error: type[ValueError]) -> str:
    """The file's text, decoded as UTF-8, a byte order mark and carriage returns removed.

    Raises:
        error: the file is missing, a directory, a pipe, unreadable, too large, of another kind (packed, UTF-16) or not
            UTF-8; one line naming the file.
    """
    try:
        return _bytes(path, error).decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as problem:
        raise error(f"{named(path)}: byte {problem.start}: is not UTF-8 text") from None


def read_text_of_lines(path: Path, problems: Problems) -> str:
    """As `read_text`, but each line that is not UTF-8 is noted, and its wrong bytes become question marks.

    Raises:
        problems.error: the file is missing, a directory, a pipe, unreadable, too large, of another kind, or more than
            a few of its lines are not UTF-8; one line naming the file.
    """
    data = _bytes(path, problems.error).removeprefix(_MARK).replace(b"\r\n", b"\n")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        wrong = [number for number, line in enumerate(data.split(b"\n"), 1) if not _is_text(line)]
        if len(wrong) > MAX_LINES:
            problems.refuse(f"is not UTF-8 text: line {wrong[0]} and {len(wrong) - 1} more; save it as UTF-8 first")
        for number in wrong:
            problems.note(f"line {number}: is not UTF-8 text")
        return data.decode("utf-8", "replace")


def version_of(path: Path) -> tuple[int, int]:
    """Of two versions of a file, not the same; (0, 0) where reading it says what is wrong."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _bytes(path: Path, error: type[ValueError]) -> bytes:
    """What a regular file of a sensible size and kind holds."""
    data = _content(path, error)
    if kind := kind_of_content(data):
        raise error(f"{named(path)}: is {kind}")
    return data


def _content(path: Path, error: type[ValueError]) -> bytes:
    name, path = named(path), expanded(path)
    try:
        if kind := kind_of_path(path):
            raise error(f"{name}: is not a regular file, but {kind} (allowed: a file; save its content to one first)")
        if path.is_dir():
            raise error(f"{name}: is a directory (allowed: a file)")
        if not path.exists():
            raise error(f"{name}: no such file")
        if path.stat().st_size > MAX_BYTES:
            raise error(f"{name}: has {path.stat().st_size} bytes (allowed: up to {MAX_BYTES})")
        return path.read_bytes()
    except OSError as problem:
        raise error(f"{name}: cannot be read ({problem.strerror or problem})") from None
    except ValueError as problem:  # a null character in the path
        raise problem if isinstance(problem, error) else error(f"{name}: is not a path ({problem})") from None


def _is_text(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
