"""Blocks that show what a command prints that stands above them on the page, in a folder with the page's own files."""

import contextlib
import os
import re
import shlex
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from tessera_env.cli import main as tessera

PAGES = Path(__file__).parents[1] / "docs" / "guide"
WIDE = {"COLUMNS": "170", "NO_COLOR": "1", "TERM": "dumb"}  # no table is folded
FILES = re.compile(r"^```(?:toml|json|csv) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = re.compile(r"^```sh\n((?:(?!^```).)*)^```\n+<!-- (printed-[\w-]+):begin -->$", re.MULTILINE | re.DOTALL)


def command_blocks() -> dict[str, str]:
    """What stands below a command on a page of the guide, by the block's name."""
    return {name: text for page in sorted(PAGES.glob("*.md")) for name, text in blocks_of(page).items()}


def blocks_of(page: Path) -> dict[str, str]:
    """The page's blocks whose name begins with `printed-`: what the last command above each prints."""
    text = page.read_text(encoding="utf-8")
    shown = [(name, commands.splitlines()[-1]) for commands, name in SHOWN.findall(text)]
    if not shown:
        return {}
    with TemporaryDirectory() as folder, contextlib.chdir(folder):
        for name, content in FILES.findall(text):
            Path(name).write_text(content, encoding="utf-8")
        return {name: f"```text\n{_printed(shlex.split(line)[1:])}```" for name, line in shown}


def _printed(words: list[str]) -> str:
    with patch.dict(os.environ, WIDE), redirect_stdout(StringIO()) as output:
        tessera(words)
    lines = output.getvalue().strip("\n").splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)
