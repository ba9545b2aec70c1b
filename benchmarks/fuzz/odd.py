"""Values that files hold where they go wrong."""

import codecs
from typing import Any

LONG = 10_000

# Written in place of a number or a word, as they stand.
WORDS = (
    *("nan", "NaN", "inf", "-inf", "Infinity", "1e999", "-1e999", "1e308", "1e-320", "1e400"),
    *("0", "-0", "-1", "1", "2", "0.5", "1.0", "-0.0", "1e5", "1E+2", "1.5e3", "99999999999", "1e10", "1e15"),
    *("9" * 5_000, "9" * 400, "1" + "0" * 18, "9223372036854775807", "9223372036854775808", "-9223372036854775809"),
    *("4294967296", "18446744073709551616", "65536", "1000001"),
    *("1_000", "0x10", "0o7", "0b1", "１２", "٣", "²", "1,5", "1 000", "+1", ".5", "5.", "1.2.3", "--1"),
    *("1e", "00", "007"),
    *("true", "false", "True", "null", "None", "none", "yes", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z"),
    *("[]", "{}", "[[]]", '""', "''", '"1"', "[1]", "{a = 1}", '{"a": 1}', "[1, [2]]", "[1e999]", "[nan]"),
    *("", " ", "\t", "\n", "\x0b", "\x0c", "\x1f", "\x7f", "\x85", "\u2028", "\x00", "\x1b[31m", "\r"),
    *("é", "e\u0301", "\u202e", "\u200b", "ｘ", "😀", "\ufeff", "\ufffe", "ß", "İ", "\\ud800", "\\u0000", "\\"),
    *(",", ";", ":", "=", "#", ".", "..", "/", "~", "~nobody/", "../..", "*", "-", "_", '"', "'", '"""', "'''"),
    *("x" * LONG, '"' + "x" * LONG + '"', "a." * 500 + "a", "\\n", '"\\u0000"', '"\\u001b[31m"', '"\\ud800"'),
)

# In place of a value of a parsed document.
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 3, 0.0, -0.0, 0.5, 1.0, -1.0, 1e-320, 1e308, -1e308, 1e15),
    *(float("nan"), float("inf"), -float("inf"), 2**31, 2**32, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**400),
    *("", "a", "1", "nan", "none", "x" * LONG, "\0", "\x1b[31m", "\n", "a\nb", "\u202e", "é", "😀", "\ud800"),
    *("~", "/", ".."),
    *([], [[]], {}, [0], ["a"], [None], {"a": 1}, {"": {}}, [1, 2, 3], [1, "a"], [{}], [[1, 2], [3]]),
    *("greedy", "on_demand_only", "clairvoyant", "bound", "random", "available", "unavailable", "uniform", "trace"),
)

# Of a file that is not what it seems, or was cut or glued.
BEGINNINGS = (
    codecs.BOM_UTF8,
    codecs.BOM_UTF8 * 2,
    codecs.BOM_UTF16_LE,
    codecs.BOM_UTF32_BE,
    b"\x1f\x8b",
    b"PK\x03\x04",
    b"BZh",
    b"PAR1",
    b"\0",
    b"\xff",
    b"<html>",
    b"\xed\xa0\x80",  # a surrogate
    b"\xf4\x90\x80\x80",  # beyond Unicode
    b"\xc0\x80",  # an overlong null
    b"\n\n\n",
    b"\r",
)
