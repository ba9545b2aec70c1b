"""A page's blocks show what the commands above them print, with the page's own files."""

import os

from benchmarks import commands

PAGE = """# A page

```csv zones.csv
zone,time_s,spot_available,spot_price
a,0,1,0.35
b,0,0,0.41
b,9000,0,0.41
```

```sh
tessera scenarios list
tessera traces check zones.csv
```

<!-- printed-checked:begin -->
old
<!-- printed-checked:end -->

```sh
tessera scenarios list
```

<!-- other:begin -->
<!-- other:end -->
"""


def test_a_block_shows_the_last_command_above_it(tmp_path):
    """No other command is shown; the folder with the files is gone afterwards."""
    page, here = tmp_path / "page.md", os.getcwd()
    page.write_text(PAGE, encoding="utf-8")
    ((name, text),) = commands.blocks_of(page).items()
    assert name == "printed-checked"
    assert text.startswith("```text\nzones.csv: no problems: 2 zones, 2.5 h") and text.endswith("\n```")
    assert os.getcwd() == here and [path.name for path in tmp_path.iterdir()] == ["page.md"]


def test_a_page_without_such_blocks_has_none(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE.replace("printed-checked", "checked"), encoding="utf-8")
    assert commands.blocks_of(page) == {}


def test_every_such_block_of_the_guide_has_a_command_above_it():
    for page in commands.PAGES.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        assert text.count("<!-- printed-") == 2 * len(commands.SHOWN.findall(text)), page.name
