"""Draw the first page's picture: `fleet` under Greedy, seed 0, after 20 hours."""

import io
import sys

import gymnasium as gym
from PIL import Image

from benchmarks.common import telling
from tessera_env.files.writing import write_bytes
from tessera_env.policies import make_policy

HOURS = 20.0


def main(path: str) -> None:
    """Write the picture as a PNG."""
    env = gym.make("tessera_env:Tessera/Fleet-v0", render_mode="rgb_array")
    policy = make_policy("greedy", env.unwrapped.layout)
    observation, info = env.reset(seed=0)
    while info["time_h"] < HOURS:
        actions, _ = policy.predict(observation[None], action_masks=env.unwrapped.action_masks()[None])
        observation, _reward, _terminated, _truncated, info = env.step(int(actions[0]))
    stream = io.BytesIO()
    Image.fromarray(env.render()).save(stream, format="PNG")
    with telling():
        write_bytes(path, stream.getvalue())


if __name__ == "__main__":
    main(sys.argv[1])
