"""Draw the environments' pages' pictures: an episode of each id as a short animation of what `render()` shows."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from PIL import Image

import tessera_env
from benchmarks.common import telling
from tessera_env.files.writing import write_bytes
from tessera_env.policies import make_policy

# Who plays in each preset's picture.
POLICIES = {
    "classic": "on_demand_fallback",
    "fleet": "greedy",
    "fleet-mixed": "on_demand_fallback",
    "deadline": "slack_threshold",
    "deadline-aws": "pretrained/deadline",
    "cant-be-late": "uniform_progress",
    "service": "spot_hedge",
    "service-spothedge": "spot_hedge",
}
FRAMES = 16
WORLDS = {"deadline": 15, "deadline-aws": 10, "cant-be-late": 17}  # with something to see; 0 where none is named
SIZE = (960, 540)
LEGEND_TOP = 515
COLOURS = 64
SHOWN_MS, LAST_SHOWN_MS = 500, 4_000


def main(folder: str) -> None:
    """Write NAME.gif for every preset."""
    for id_, preset in tessera_env.ENVIRONMENTS.items():
        write_gif(Path(folder) / f"{preset}.gif", list(frames(id_, preset)))


def frames(id_: str, preset: str) -> Iterator[np.ndarray]:
    """Pictures (H, W, 3) uint8 of one episode, evenly spaced in time up to its last decision."""
    hours = decision_hours(id_, preset)
    wanted = iter(np.linspace(0.0, hours[-1], FRAMES + 1)[1:])
    next_h = next(wanted)
    for env, info in played(id_, preset, render_mode="rgb_array"):
        if info["time_h"] >= next_h:
            yield env.render()
            next_h = next((hour for hour in wanted if hour > info["time_h"]), np.inf)


def decision_hours(id_: str, preset: str) -> list[float]:
    """When the episode's decisions are, and when it ends, in hours."""
    return [info["time_h"] for _env, info in played(id_, preset)]


def played(id_: str, preset: str, **arguments: Any) -> Iterator[tuple[gym.Env, dict[str, Any]]]:
    """The environment and the info after each step of an episode."""
    env = gym.make(f"tessera_env:{id_}", **arguments)
    policy = make_policy(POLICIES[preset], env.unwrapped.layout)
    observation, info = env.reset(seed=0, options={"world": WORLDS.get(preset, 0)})
    terminated = False
    while not terminated:
        actions, _ = policy.predict(observation[None], action_masks=env.unwrapped.action_masks()[None])
        observation, _reward, terminated, _truncated, info = env.step(int(actions[0]))
        yield env, info


def write_gif(path: Path, pictures: list[np.ndarray]) -> None:
    """One animation of all; it plays again and again.

    The colours are those of the last picture, which has all that came before, and of its legend many times,
    so that colours that little is drawn in are kept.
    """
    small = [Image.fromarray(picture).resize(SIZE, Image.Resampling.LANCZOS) for picture in pictures]
    width, height = SIZE
    weighed = Image.new("RGB", (width, 2 * height))
    weighed.paste(small[-1])
    for top in range(height, 2 * height, height - LEGEND_TOP):
        weighed.paste(small[-1].crop((0, LEGEND_TOP, width, height)), (0, top))
    palette = weighed.quantize(COLOURS)
    drawn = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in small]
    times = [SHOWN_MS] * (len(drawn) - 1) + [LAST_SHOWN_MS]
    stream, rest = io.BytesIO(), drawn[1:]
    drawn[0].save(stream, format="GIF", save_all=True, append_images=rest, duration=times, loop=0, optimize=True)
    with telling():
        write_bytes(path, stream.getvalue())


if __name__ == "__main__":
    main(sys.argv[1])
