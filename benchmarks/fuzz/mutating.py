"""One file of a form, changed in one to three places."""

from random import Random
from typing import Literal

from benchmarks.fuzz.tables import table_mutated
from benchmarks.fuzz.tensors import tensors_mutated
from benchmarks.fuzz.texts import text_mutated
from benchmarks.fuzz.trees import json_mutated, toml_mutated

Form = Literal["toml", "json", "csv", "safetensors", "bytes"]

_BY_STRUCTURE = {"toml": toml_mutated, "json": json_mutated, "csv": table_mutated, "safetensors": tensors_mutated}
_STRUCTURE_SHARE = 0.6
_PLACES = (1, 1, 1, 2, 3)
_NO_STRUCTURE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def mutated(data: bytes, form: Form, random: Random) -> bytes:
    """The file with something changed; `random` alone says what."""
    by_structure = _BY_STRUCTURE.get(form, text_mutated)
    changed = data
    for _ in range(random.choice(_PLACES)):
        try:
            by_form = random.random() < _STRUCTURE_SHARE
            changed = by_structure(changed, random) if by_form else text_mutated(changed, random)
        except _NO_STRUCTURE:  # what is left has no structure
            changed = text_mutated(changed, random)
    return changed
