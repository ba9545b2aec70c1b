"""What a path or a file is where it is not what was meant, so that one line can say it."""

import codecs
import os
import stat
from pathlib import Path

_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_BEGINNING = 1024  # bytes; whoever sees a null among them sees no text
_AS_TEXT = "save it as text first"
_UNPACK = "unpack it first"
# What files begin with.
_FORMATS = (
    (b"\x1f\x8b", f"gzip: {_UNPACK}"),
    (b"BZh", f"bzip2: {_UNPACK}"),
    (b"\xfd7zXZ\x00", f"xz: {_UNPACK}"),
    (b"\x28\xb5\x2f\xfd", f"zstd: {_UNPACK}"),
    (b"PK\x03\x04", "a zip archive, or a workbook: unpack it, or save it as text, first"),
    (b"PAR1", f"Parquet: {_AS_TEXT}"),
    (b"%PDF-", f"PDF: {_AS_TEXT}"),
    (codecs.BOM_UTF32_LE, "UTF-32: save it as UTF-8 first"),
    (codecs.BOM_UTF32_BE, "UTF-32: save it as UTF-8 first"),
    (codecs.BOM_UTF16_LE, "UTF-16: save it as UTF-8 first"),
    (codecs.BOM_UTF16_BE, "UTF-16: save it as UTF-8 first"),
)
_WEB_PAGE = (b"<!doctype html", b"<html")
_STREAMS = {1: "standard output", 2: "standard error"}  # by descriptor


def kind_of_path(path: Path) -> str:
    """Such as "a pipe", which a shell's `<(command)` is; empty for files and folders, and where nothing is."""
    try:
        mode = path.stat().st_mode  # not resolved: the links of open pipes lead nowhere
    except (OSError, ValueError):
        return ""
    return next((words for is_kind, words in _KINDS if is_kind(mode)), "")


def stream_into(path: Path) -> str:
    """Which of the process's streams goes into this file, such as "standard output"; empty if none does."""
    for descriptor, name in _STREAMS.items():
        try:
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return name
        except (OSError, ValueError):
            continue
    return ""


def kind_of_content(data: bytes) -> str:
    """What a file is instead of text in UTF-8, and what to do; empty if it may be text."""
    for beginning, told in _FORMATS:
        if data.startswith(beginning):
            return told
    beginning = data[:_BEGINNING]
    if beginning.lstrip().lower().startswith(_WEB_PAGE):
        return "a web page: save the file that it shows instead"
    if b"\0" not in beginning:
        return ""
    if _is_every_other_null(beginning):
        return "UTF-16: save it as UTF-8 first"
    return f"no text, it has null bytes: {_AS_TEXT}"


def _is_every_other_null(data: bytes) -> bool:
    """As Western text in UTF-16 has them, with or without a byte order mark."""
    pairs = len(data) // 2
    return pairs > 1 and max(data[0 : 2 * pairs : 2].count(0), data[1 : 2 * pairs : 2].count(0)) > 0.9 * pairs
