"""The trained policies that come with the package: "pretrained/deadline" and others by name, with a card each."""

from pathlib import Path

from tessera_env.files.packaged import data_folder
from tessera_env.policies.card import PolicyError
from tessera_env.policies.folder import CARD_FILE

PREFIX = "pretrained/"


def pretrained_names() -> list[str]:
    """The names of all of them, as `make_policy` takes them, sorted."""
    folder = _folder()
    return sorted(PREFIX + str(card.parent.relative_to(folder)) for card in folder.glob(f"**/{CARD_FILE}"))


def pretrained_folder(name: str) -> Path:
    """Where the policy of that name lies.

    Raises:
        PolicyError: there is none of that name.
    """
    if name not in pretrained_names():
        raise PolicyError(f"policy: {name!r} (allowed: {', '.join(pretrained_names()) or 'none is installed'})")
    return _folder() / name.removeprefix(PREFIX)


def _folder() -> Path:
    return data_folder() / "pretrained"
