"""All benchmarks, one after the other."""

from benchmarks import compiling, scale, step, training, vector
from benchmarks.common import is_quick

QUICK = is_quick(__doc__)
for benchmark in (step, vector, scale, training, compiling):
    benchmark.main(QUICK)
