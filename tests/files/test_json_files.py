"""JSON is read, or refused in one short line."""

from pathlib import Path

import pytest

from tessera_env.files.json_files import json_of, read_json, read_object


def test_what_a_file_says(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"a": [1, 1e300, "\\ud83d\\ude00"],\r\n "b": null}')
    assert read_json(tmp_path / "a.json", ValueError) == {"a": [1, 1e300, "😀"], "b": None}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("[1] [2]", "Extra data"),
        ('{"a": 1, "a": 2}', "has the member 'a' twice"),
        ('[{{"{}": 1, "{}": 2}}]'.format("x" * 9_000, "x" * 9_000), "has the member 'xxx"),
        ("[NaN]", "NaN is not a JSON number"),
        ("[-Infinity]", "-Infinity is not a JSON number"),
        ('{"a": {"b": [1e999]}}', "has a number that is too large"),
        ("[-1E400]", "has a number that is too large"),
        (f"[{'9' * 400}]", "has a number that is too large"),
        (f"[{'9' * 5_000}]", "Exceeds the limit"),
        ('["\\ud800"]', "has half a character in '\\ud800'"),
        ('{"\\uDC00": 1}', "has half a character"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_json(text: str, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        json_of(text, "a.json", ValueError)
    line = str(caught.value)
    assert line.startswith("a.json: is not JSON (") and words in line
    assert len(line) < 300 and line.isprintable()


@pytest.mark.parametrize("text", ["[]", "1", '"a"', "null"])
def test_a_document_that_is_no_object(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match=r"a\.json: must be a JSON object \(got "):
        read_object(tmp_path / "a.json", ValueError)
