"""Few requests do not wait for the compiler, many do."""

from tessera_env.jit.kernel import Kernel
from tessera_env.requests.calling import MOST_PLAIN, call


def doubled(value):
    return 2 * value


def test_few_run_at_once_and_many_wait():
    kernel = Kernel(doubled, cached=False)
    assert call(kernel, MOST_PLAIN, 3) == 6
    assert not kernel.waits
    assert call(kernel, MOST_PLAIN + 1, 4) == 8
    assert kernel.waits
