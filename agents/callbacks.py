"""What happens while a policy learns: a way to stop, a progress bar, records for TensorBoard, evaluations."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from stable_baselines3.common.callbacks import BaseCallback

from agents.networks import actor_parameters, logit_layers


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


@dataclass(frozen=True)
class Cycles:
    """A value that falls linearly from `first` to `last` in each of so many equal parts of the run."""

    first: float
    last: float
    count: int

    def __call__(self, progress_remaining: float) -> float:
        """The value with this share of the run still to come."""
        passed = (1.0 - progress_remaining) * self.count
        within = 1.0 if progress_remaining <= 0.0 else passed % 1.0
        return self.first + (self.last - self.first) * within


class EntropySchedule(BaseCallback):
    """The entropy coefficient falls as the learning rate does."""

    def __init__(self, cycles: Cycles, total_steps: int) -> None:
        super().__init__()
        self.cycles, self.total_steps = cycles, total_steps

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        left = max(0.0, 1.0 - self.num_timesteps / self.total_steps)
        self.model.ent_coef = self.cycles(left)  # type: ignore[attr-defined]


class SoftRestarts(BaseCallback):
    """At the start of each cycle but the first the policy is as good as undecided again, with all that it has learned.

    Logits that have grown far apart leave nothing to try. Scaled down, they keep their order, and what the critic has
    learned since can speak against them: the second cycle closes some two points more of the gap to the optimum.
    """

    def __init__(self, cycles: int, total_steps: int, softness: float) -> None:
        super().__init__()
        self.starts = [total_steps * k / cycles for k in range(1, cycles)]
        self.softness = softness

    def _on_training_start(self) -> None:
        self.starts = [step for step in self.starts if step > self.num_timesteps]

    def _on_rollout_start(self) -> None:
        if self.starts and self.num_timesteps >= self.starts[0]:
            self.starts.pop(0)
            with torch.no_grad():
                for layer in logit_layers(self.model.policy):
                    for parameter in layer.parameters():
                        parameter.mul_(self.softness)

    def _on_step(self) -> bool:
        return True


class CriticFirst(BaseCallback):
    """For so many decisions of the run's start the critic learns alone, and the actor stays as it is.

    An actor that can do something already would lose it to the advantages of a critic that knows nothing. Its weights
    take no part in an update: were its loss weighed 0 instead, Adam would blow up what is left, an entropy bonus of
    1e-6 say, to full steps.
    """

    def __init__(self, decisions: int) -> None:
        super().__init__()
        self.decisions = decisions

    def _on_rollout_start(self) -> None:
        learns = self.model.num_timesteps >= self.decisions
        for weight in actor_parameters(self.model.policy):
            weight.requires_grad_(learns)

    def _on_training_end(self) -> None:
        for weight in actor_parameters(self.model.policy):
            weight.requires_grad_(True)

    def _on_step(self) -> bool:
        return True


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
