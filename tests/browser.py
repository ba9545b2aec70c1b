"""Pages opened in a real browser without a window; tests that need one are skipped where none is installed."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--virtual-time-budget=10000",
    "--window-size=1400,1000",
    "--enable-logging=stderr",
    "--dump-dom",
]


@dataclass(frozen=True)
class Page:
    """What a page became once its scripts had run."""

    dom: str
    errors: list[str]  # all that was written to the console


def open_page(path: Path) -> Page:
    """The page of a file, with no network: any name resolves to nowhere."""
    browser = next((found for found in map(shutil.which, NAMES) if found), None)
    if browser is None:
        pytest.skip(f"needs a browser: one of {', '.join(NAMES)}")
    offline = "--host-resolver-rules=MAP * ~NOTFOUND"
    done = subprocess.run(
        [browser, *_OPTIONS, offline, path.resolve().as_uri()], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return Page(done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line])
