"""Policies in the same worlds: playing them, their figures, intervals and paired differences."""

from tessera_env.evaluation.experiment import evaluate
from tessera_env.evaluation.results import Results

__all__ = ["Results", "evaluate"]
