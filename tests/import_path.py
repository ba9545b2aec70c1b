"""Where processes that tests start find modules."""

import os
from pathlib import Path


def importing_from(*folders: Path, **variables: str) -> dict[str, str]:
    """The variables of a process that looks in these folders first, and then where this one was told to."""
    places = [*map(str, folders), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(places), **variables}
