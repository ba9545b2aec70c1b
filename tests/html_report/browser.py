"""A page in a real browser without a window: what it says about itself once its scripts have run."""

import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import NamedTuple

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Opened(NamedTuple):
    """A page as the browser has it."""

    charts: int  # that it means to draw
    drawn: int
    errors: str  # of scripts and the console, a line each
    dom: str


def opened(page: Path, tmp_path: Path, width: int = 1280) -> Opened:
    """Open a page written by `write_report`; skips the test where there is no browser."""
    dom = dumped(page, tmp_path, width)
    root = re.search(r"<html[^>]*>", dom)
    assert root is not None, dom[:500]
    values = {name: unescape(value) for name, value in re.findall(r'data-(\w+)="([^"]*)"', root[0])}
    return Opened(int(values["charts"]), int(values["drawn"]), values["errors"], dom)


def dumped(page: Path, tmp_path: Path, width: int = 1280) -> str:
    """The page's document after its scripts have run, as text; no network can be reached from it."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser on the path ({', '.join(BROWSERS)})")
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom"]
    options += [f"--window-size={width},2000", f"--user-data-dir={tmp_path / 'browser'}"]
    options += ["--host-resolver-rules=MAP * ~NOTFOUND"]  # whatever is not in the file cannot load
    done = subprocess.run(
        [browser, *options, page.resolve().as_uri()], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
