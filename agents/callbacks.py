"""What happens while a policy learns: a way to stop, a progress bar, records for TensorBoard, evaluations."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from stable_baselines3.common.callbacks import BaseCallback


class StopRequest:
    """Set by a signal, looked at by the callbacks: an interrupt never lands in the middle of an update."""

    def __init__(self) -> None:
        self.is_set = False


@contextmanager
def stop_on_signals(console: Console) -> Iterator[StopRequest]:
    """Turn Ctrl-C and SIGTERM into a StopRequest while the block runs; a second one acts at once."""
    request = StopRequest()
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, frame: FrameType | None) -> None:
        request.is_set = True
        signal.signal(number, kept[number])
        console.print("Stopping after this update (once more to stop at once, without saving) …")

    try:
        for number in kept:
            signal.signal(number, ask)
        yield request
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


class StopCallback(BaseCallback):
    """Ends `learn` when a stop was asked for."""

    def __init__(self, request: StopRequest) -> None:
        super().__init__()
        self.request = request

    def _on_step(self) -> bool:
        return not self.request.is_set


class EntropySchedule(BaseCallback):
    """The entropy coefficient falls linearly over the run, as the learning rate does."""

    def __init__(self, first: float, last: float, total_steps: int) -> None:
        super().__init__()
        self.first, self.last, self.total_steps = first, last, total_steps

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        done = min(1.0, self.num_timesteps / self.total_steps)
        self.model.ent_coef = self.first + (self.last - self.first) * done  # type: ignore[attr-defined]


class DecisionIntervals(BaseCallback):
    """Decisions far apart at first, then as the scenario has them: what pays only if kept up is found when it is one.

    To leave a spell of spot alone until it has proved to last is such a thing: one short look at a time it never pays.
    The interval only ever becomes shorter, so the deadline guard's promise holds for who was asked before.
    """

    def __init__(self, config: np.recarray, coarse_s: float, last_coarse_step: float) -> None:
        super().__init__()
        self.config, self.coarse_s, self.last_coarse_step = config, coarse_s, last_coarse_step
        self.fine_s = float(config.decision_interval_s)

    def _on_training_start(self) -> None:
        self._set()

    def _on_rollout_start(self) -> None:
        self._set()

    def _on_step(self) -> bool:
        return True

    def _set(self) -> None:
        is_coarse = self.num_timesteps < self.last_coarse_step
        self.config.decision_interval_s = max(self.coarse_s, self.fine_s) if is_coarse else self.fine_s


class EpisodeRecords(BaseCallback):
    """Means over the episodes that ended since the last update, for TensorBoard under `episodes/`."""

    NAMES = ("cost_ratio", "deadlines_missed", "interruptions", "invalid_actions", "work_lost_h")

    def __init__(self) -> None:
        super().__init__()
        self.ended: list[dict[str, float]] = []

    def _on_step(self) -> bool:
        for row in np.flatnonzero(self.locals["dones"]):
            metrics = self.locals["infos"][row]["metrics"]
            self.ended.append({**metrics, "cost_ratio": metrics["cost_usd"] / metrics["scale_usd"]})
        return True

    def _on_rollout_end(self) -> None:
        for name in self.NAMES if self.ended else ():
            self.logger.record(f"episodes/{name}", float(np.mean([metrics[name] for metrics in self.ended])))
        self.ended.clear()


class ProgressBar(BaseCallback):
    """Decisions done and to do, speed and the latest returns, on the terminal."""

    def __init__(self, total_steps: int, console: Console) -> None:
        super().__init__()
        self.total_steps = total_steps
        self.bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]:,.0f}/s"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("return {task.fields[mean_return]:.3f}"),
            console=console,
            transient=True,
        )
        self.task = self.bar.add_task("training", total=total_steps, speed=0.0, mean_return=float("nan"))

    def _on_training_start(self) -> None:
        self.first_step = self.num_timesteps
        self.bar.update(self.task, completed=self.num_timesteps)
        self.bar.start()

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        returns = [episode["r"] for episode in self.model.ep_info_buffer or ()]
        elapsed_s = self.bar.tasks[0].elapsed or float("inf")
        self.bar.update(
            self.task,
            completed=min(self.num_timesteps, self.total_steps),
            speed=(self.num_timesteps - self.first_step) / elapsed_s,
            mean_return=float(np.mean(returns)) if returns else float("nan"),
        )

    def close(self) -> None:
        """Take the bar away, also after an error."""
        self.bar.stop()


class RegularEvaluation(BaseCallback):
    """Calls `evaluate(model)` whenever `every` more decisions were learned from, just after an update."""

    def __init__(self, every: int, evaluate: Callable[[Any], None]) -> None:
        super().__init__()
        self.every = every
        self.evaluate = evaluate

    def _on_training_start(self) -> None:
        self.next_step = self.num_timesteps + self.every

    def _on_rollout_start(self) -> None:
        if self.model.num_timesteps >= self.next_step:
            self.next_step = self.model.num_timesteps + self.every
            self.evaluate(self.model)

    def _on_step(self) -> bool:
        return True
