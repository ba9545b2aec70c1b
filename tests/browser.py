"""Pages opened in a real browser without a window; tests that need one are skipped where none is installed."""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--virtual-time-budget=20000",
    "--enable-logging=stderr",
    "--dump-dom",
]


@dataclass(frozen=True)
class Page:
    """What a page became once its scripts had run."""

    dom: str
    errors: list[str]  # all that was written to the console

    def data(self, name: str) -> str:
        """What the page's own script has left in a data attribute of its root."""
        root = re.search(r"<html[^>]*>", self.dom)
        value = root and re.search(rf'data-{name}="([^"]*)"', root[0])
        assert value, self.dom[:500]
        return unescape(value[1])


def open_page(path: Path, width: int = 1280) -> Page:
    """The page of a file, with no network: any name resolves to nowhere."""
    browser = next((found for found in map(shutil.which, NAMES) if found), None)
    if browser is None:
        pytest.skip(f"needs a browser: one of {', '.join(NAMES)}")
    options = [*_OPTIONS, f"--window-size={width},1000", "--host-resolver-rules=MAP * ~NOTFOUND"]
    with tempfile.TemporaryDirectory() as profile:  # of its own, so that browsers side by side do not meet
        command = [browser, *options, f"--user-data-dir={profile}", path.resolve().as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return Page(done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line])
