"""Tables as text for a terminal or a file: in one style, never cut off."""

from io import StringIO

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

WIDEST = 10_000  # characters; far more than any table needs


def table_text(table: Table, colour: bool = False) -> str:
    """A table in our style, as wide as it needs."""
    table.box, table.padding = SIMPLE_HEAD, (0, 1, 0, 0)
    return rendered(table, colour)


def rendered(shown: RenderableType, colour: bool = False, width: int | None = None) -> str:
    """What Rich makes of it in so many characters (None: as many as it needs), no spaces at the ends of lines."""
    stream = StringIO()
    console = Console(
        file=stream,
        width=width or WIDEST,
        force_terminal=colour,
        color_system="standard" if colour else None,
        markup=False,
        emoji=False,
    )
    console.print(shown, highlight=False)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def is_wider(text: str, width: int | None) -> bool:
    """Whether a line of the text, coloured or not, takes more characters than that; never, if there is no limit."""
    return width is not None and width_of(text) > width


def width_of(text: str) -> int:
    """How many characters its longest line takes, coloured or not."""
    return max(map(cell_len, Text.from_ansi(text).plain.splitlines()))
