"""A policy that fails while it plays: its error stays what it is, with a note of who played, and what."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import TracebackException

import tessera_env

_START = "failed while policy "
_PACKAGE = str(Path(tessera_env.__file__).parent)


@contextmanager
def noting(policy: str, where: Callable[[], str]) -> Iterator[None]:
    """Whatever fails within is noted to have done so while the policy played there."""
    try:
        yield
    except Exception as error:
        error.add_note(f"{_START}{policy!r} played {where()}")
        raise


def failure_of(error: BaseException) -> str | None:
    """What was noted of an error in a policy's play; None: nothing."""
    return next((note for note in getattr(error, "__notes__", ()) if note.startswith(_START)), None)


def own_traceback(error: BaseException) -> str:
    """The error's traceback without that note, from the first call on that is not the package's, if there is one."""
    whole = place = error.__traceback__
    while place is not None and place.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        place = place.tb_next
    shown = TracebackException(type(error), error, place or whole)
    shown.__notes__ = [note for note in getattr(error, "__notes__", ()) if note != failure_of(error)]
    return "".join(shown.format())
