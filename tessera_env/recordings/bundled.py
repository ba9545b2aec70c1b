"""The recordings inside the package: where each lies, whose it is, and which of its hours are kept for reports."""

from pathlib import Path
from typing import NamedTuple

from tessera_env.files.packaged import data_folder
from tessera_env.files.paths import expanded


class Bundled(NamedTuple):
    """What there is to know about one."""

    end_s: float  # change points alone do not say how long the last value held; the publisher's samples do
    split_h: float  # hours before it are for choosing and training, those from it on for reports alone
    source: str
    licence: str


AWS_V100_2023 = "aws_v100_2023"
BUNDLED = {
    AWS_V100_2023: Bundled(
        end_s=3_868_410.0,
        split_h=700.0,
        source="FrontierCS/Frontier-CS, from skypilot-org/spot-traces (Wu et al., NSDI 2024)",
        licence="MIT",
    )
}


def trace_path(name: str) -> Path:
    """Where a bundled trace lies, by its name, or the path that the name is."""
    return data_folder() / name / "zones.csv" if name in BUNDLED else expanded(name)
