"""What an action that the mask forbids means, by name."""

NEAREST, WAIT, RAISE = "nearest", "wait", "raise"
MEANINGS = (NEAREST, WAIT, RAISE)


def check_invalid_action(meaning: str) -> None:
    """Raises ValueError: it is none of MEANINGS."""
    if meaning not in MEANINGS:
        raise ValueError(f"invalid_action: {meaning!r} (allowed: {', '.join(map(repr, MEANINGS))})")
