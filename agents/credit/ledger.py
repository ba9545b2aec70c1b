"""Who is asked at each step, and what each task owes by then: the books that credit by task is worked out from."""

import numba
import numpy as np
from stable_baselines3.common.vec_env import VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from agents.vec_env import TesseraVecEnv
from tessera_env.engine.accounts import owed_usd
from tessera_env.engine.kinds import TaskStatus
from tessera_env.world.parameters import new_table

# One decision that is asked for.
ASKED = np.dtype(
    [
        ("task", np.int64),  # whose decision it is: its number in the row's present world
        ("owed", np.float64),  # what it owes by now, dollars and penalties, as a share of the row's `scale_usd`
        ("hour", np.float64),  # since the episode's start
    ],
    align=True,
)


class LedgerVecEnv(VecEnvWrapper):
    """The wrapped environment, unchanged; beside it stands what every decision is about.

    Attributes:
        observations: (N, K) of what the rows ask now.
        asked: (N,) ASKED, what the rows ask now.
        answered: (N,) ASKED, what the last step's actions were the answers to.
        ended: (N,) bool, rows whose episode ended with the last step.
        settled: (N, tasks) what each task owed in all in the row's latest episode that has ended, as a share of that
            episode's `scale_usd`; their sum is the episode's objective in that unit.

    Raises:
        ValueError: the environment cuts episodes short, after which nobody knows what tasks owe in the end.
    """

    def __init__(self, venv: TesseraVecEnv) -> None:
        if venv.env.max_episode_steps is not None:
            raise ValueError(
                f"env: max_episode_steps {venv.env.max_episode_steps} (allowed: None, because accounts are settled at "
                "an episode's own end)"
            )
        super().__init__(venv)
        self._simulation = venv.env.simulation
        venv.env.on_finished = self._settle
        rows, self.task_count = self._simulation.state.tasks.shape
        self.observations = np.zeros((rows, *venv.observation_space.shape), np.float32)
        self.asked = new_table(rows, ASKED)
        self.answered = new_table(rows, ASKED)
        self.ended = np.zeros(rows, dtype=np.bool_)
        self.settled = np.zeros((rows, self.task_count))
        self._owed = np.zeros((rows, self.task_count))

    def reset(self) -> np.ndarray:
        """Reset every row."""
        self.observations = np.asarray(self.venv.reset())
        self.ended[:] = False
        note_asked(self._simulation.params, self._simulation.state, self.asked)
        return self.observations

    def step_wait(self) -> VecEnvStepReturn:
        """As the wrapped environment."""
        self.answered[:] = self.asked
        self.observations, rewards, dones, infos = self.venv.step_wait()
        self.ended[:] = dones
        note_asked(self._simulation.params, self._simulation.state, self.asked)
        return self.observations, rewards, dones, infos

    def owed(self) -> np.ndarray:
        """What each task owes now, (N, tasks), as a share of the row's `scale_usd`."""
        note_owed(self._simulation.params, self._simulation.state, self._owed)
        return self._owed

    def done(self) -> np.ndarray:
        """Which tasks' work is done, (N, tasks) bool: they are not asked again."""
        return np.asarray(self._simulation.state.tasks.view(np.ndarray)["status"] == TaskStatus.DONE)

    def _settle(self, rows: np.ndarray) -> None:
        """Note what the tasks owed in the episodes that have ended in these rows."""
        tasks = self._simulation.state.tasks.view(np.ndarray)[rows]
        scale = self._simulation.state.episodes.view(np.ndarray)["scale_usd"][rows, None]
        owed = tasks["setup_usd"] + tasks["running_usd"] + tasks["idle_usd"] + tasks["penalty_usd"]
        self.settled[rows] = owed / scale


@numba.njit
def note_asked(params, state, asked) -> None:
    """Write each row's focal task, what it owes and the time into `asked` (N,) ASKED."""
    for env in range(asked.shape[0]):
        episode, note = state.episodes[env], asked[env]
        note.task = episode.focal
        note.owed = owed_usd(params, state, env, episode.focal) / episode.scale_usd
        note.hour = episode.now_s / 3600.0


@numba.njit
def note_owed(params, state, owed) -> None:
    """Write what each task owes into `owed` (N, tasks), as a share of the row's `scale_usd`."""
    for env in range(owed.shape[0]):
        episode = state.episodes[env]
        for task_id in range(owed.shape[1]):
            owed[env, task_id] = 0.0
            if task_id < episode.task_count:
                owed[env, task_id] = owed_usd(params, state, env, task_id) / episode.scale_usd
