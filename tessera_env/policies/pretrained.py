"""The trained policies that come with the package: "pretrained/deadline" and others by name, with a card each."""

from pathlib import Path

from tessera_env.policies.card import PolicyError
from tessera_env.policies.folder import CARD_FILE

PREFIX = "pretrained/"
_FOLDER = Path(__file__).parents[1] / "data" / "pretrained"


def pretrained_names() -> list[str]:
    """The names of all of them, as `make_policy` takes them, sorted."""
    return sorted(PREFIX + str(card.parent.relative_to(_FOLDER)) for card in _FOLDER.glob(f"**/{CARD_FILE}"))


def pretrained_folder(name: str) -> Path:
    """Where the policy of that name lies.

    Raises:
        PolicyError: there is none of that name.
    """
    if name not in pretrained_names():
        raise PolicyError(f"policy: {name!r} (allowed: {', '.join(pretrained_names()) or 'none is installed'})")
    return _FOLDER / name.removeprefix(PREFIX)
