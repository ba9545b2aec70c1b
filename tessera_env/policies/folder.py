"""A trained policy as a folder of data.

`policy.safetensors` holds the weights (see `tessera_env.policies.networks` for the tensors' names), `policy.json` the
card (see `tessera_env.policies.card`), with the weights' SHA-256. A folder is written so that a kill at any moment
leaves the old policy or the new one, never a mixture.
"""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from tessera_env.files.folders import make_folder, sync_folder, writing_error
from tessera_env.files.paths import expanded
from tessera_env.files.problems import MAX_SHOWN, reason_of, shown, shown_key
from tessera_env.files.reading import read_text
from tessera_env.files.writing import write_bytes, write_text
from tessera_env.observation.layout import Layout
from tessera_env.policies.card import SCHEMA_VERSION, PolicyCard, PolicyError, card_of, told_of
from tessera_env.policies.player import inputs_of, player_of

WEIGHTS_FILE = "policy.safetensors"
CARD_FILE = "policy.json"
_NEXT_WEIGHTS_FILE = "policy.next.safetensors"  # in force when the card names its digest
MAX_WEIGHTS_BYTES = 1024 * 1024 * 1024


def _layout_of(card: PolicyCard) -> Layout:
    """The layout whose fields the card names."""
    services = Layout.of(card.pool_count, has_tasks=False, has_services=True)
    is_known = {field.split(":")[0] for field in card.fields} <= set(services.names)
    return services if is_known else Layout(card.pool_count)


def save_policy(folder: str | Path, arrays: dict[str, np.ndarray], card: dict[str, Any]) -> PolicyCard:
    """Write a policy's folder, made if it is missing; the old policy stays in force until the new one is complete.

    Args:
        folder: where; a policy that is already there is replaced.
        arrays: float32 tensors by name.
        card: `PolicyCard`'s fields, without `schema_version` and `sha256`, which are filled in here.

    Raises:
        PolicyError: card and tensors do not make a policy; nothing is written.
        OSError: the folder cannot be written; one line that says which policy it holds now.
    """
    weights = save({name: np.ascontiguousarray(array) for name, array in sorted(arrays.items())})
    facts = {**card, "schema_version": SCHEMA_VERSION, "sha256": hashlib.sha256(weights).hexdigest()}
    checked = card_of(json.dumps(facts, default=_plain), "card")
    with told_of("card"):
        layout = _layout_of(checked)
        player_of(checked, arrays, layout, inputs_of(checked, layout))
    folder = expanded(folder)
    make_folder(folder, exist_ok=True)
    try:
        _settle(folder)
        write_bytes(folder / _NEXT_WEIGHTS_FILE, weights)
        write_text(folder / CARD_FILE, checked.model_dump_json(indent=2) + "\n")  # now the new policy is in force
        _settle(folder)
    except OSError as error:
        raise _what_it_holds(folder, checked, error) from None
    return checked


def read_card(folder: str | Path) -> PolicyCard:
    """The card of a policy's folder.

    Raises:
        PolicyError: there is none, or it is not valid; one line.
    """
    folder = expanded(folder)
    if not folder.is_dir():
        raise PolicyError(f"{folder}: no such folder (needed: one with {CARD_FILE} and {WEIGHTS_FILE})")
    return card_of(read_text(folder / CARD_FILE, PolicyError), str(folder / CARD_FILE))


def read_weights(folder: Path, sha256: str) -> dict[str, np.ndarray]:
    """The tensors whose file has the digest; that may still be the one which an interrupted save left.

    Raises:
        PolicyError: there is no such file, or it holds no tensors; one line.
    """
    data = next((data for data in _weights_files(folder) if hashlib.sha256(data).hexdigest() == sha256), None)
    path = folder / WEIGHTS_FILE
    if data is None:
        raise PolicyError(f"{path}: is missing, damaged or not the file that {CARD_FILE} describes (SHA-256 differs)")
    try:
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise PolicyError(f"{path}: is not a safetensors file of plain tensors ({reason_of(error)})") from None
    for name in sorted(tensors):
        if name != shown_key(name):
            allowed = f"names of up to {MAX_SHOWN} printable characters"
            raise PolicyError(f"{path}: tensor {shown(name)} (allowed: {allowed})")
    return {name: tensors[name] for name in sorted(tensors)}  # their library hands them out in an order of chance


def _plain(value: Any) -> Any:
    """Numpy's numbers and arrays as JSON has them."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise PolicyError(f"card: {value!r} (allowed: what JSON can hold)")


def _weights_files(folder: Path) -> list[bytes]:
    paths = [path for path in (folder / WEIGHTS_FILE, folder / _NEXT_WEIGHTS_FILE) if path.is_file()]
    try:
        return [path.read_bytes() for path in paths if path.stat().st_size <= MAX_WEIGHTS_BYTES]
    except OSError as error:
        raise PolicyError(f"{folder / WEIGHTS_FILE}: cannot be read ({error.strerror})") from None


def _settle(folder: Path) -> None:
    """Weights under the name of the next ones, which an unfinished save left: their own name if in force, else away.

    Raises:
        OSError: they are still there.
    """
    following = folder / _NEXT_WEIGHTS_FILE
    if not following.is_file():
        return
    card = _card_in_force(folder)
    if card is not None and hashlib.sha256(following.read_bytes()).hexdigest() == card.sha256:
        os.replace(following, folder / WEIGHTS_FILE)
    else:
        following.unlink()
    sync_folder(folder)


def _card_in_force(folder: Path) -> PolicyCard | None:
    """The folder's card; None: there is none, or none that is valid.

    Raises:
        OSError: the card cannot be read.
    """
    try:
        return card_of((folder / CARD_FILE).read_text(encoding="utf-8"), CARD_FILE)
    except (FileNotFoundError, UnicodeDecodeError, PolicyError):
        return None


def _what_it_holds(folder: Path, card: PolicyCard, error: OSError) -> OSError:
    """An error of a save, with what is in force now; what is not is away, or named."""
    with suppress(OSError):
        _settle(folder)
    try:
        told = "holds the new policy" if _card_in_force(folder) == card else "holds no new policy"
    except OSError:
        told = "holds the old policy or the new one"
    following = folder / _NEXT_WEIGHTS_FILE
    left = f"{following} is left" if os.path.lexists(following) else ""
    return writing_error(folder, told, error, left)
