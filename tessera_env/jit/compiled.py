"""The decorator of every function that runs inside compiled code."""

import threading
from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

import numba
from numba import types
from numba.core.registry import CPUDispatcher

from tessera_env.jit.linking import entry_compiler, inner_compiler

_CONFIG: Any = numba.config  # not in its type stubs
Function = TypeVar("Function", bound=Callable[..., Any])


class Interpreter(threading.local):
    """Whether compiled functions that Python calls in this thread run as plain Python now; they give the same bits."""

    def __init__(self) -> None:
        self.is_running = False

    def run(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Run a compiled function or a kernel's, and everything that it calls, as plain Python."""
        before, self.is_running = self.is_running, True
        try:
            return function(*args)
        finally:
            self.is_running = before


INTERPRETER = Interpreter()


class InnerFunction(CPUDispatcher):
    """A compiled function for other compiled functions: one compilation for each types of arguments, no wrappers.

    Plain `njit` compiles a function anew for each literal that it is called with (`push(…, 0)`, `push(…, task_id)`),
    and makes two wrappers of each so that Python and C can call it. For the hundred small functions of the engine
    both together are more than half of the time that the first use takes. Python can still call an inner function:
    that compiles it once more, with its wrapper.
    """

    def __init__(self, function: Callable[..., Any], allocates: bool):
        options = {
            "nopython": True,
            "boundscheck": None,
            "error_model": "numpy",  # no look at the divisor before each division: none can be 0
            "no_cpython_wrapper": True,
            "no_cfunc_wrapper": True,
            "_nrt": allocates,
        }
        super().__init__(py_func=function, locals={}, targetoptions=options, pipeline_class=inner_compiler())
        self._callable: Any = None

    def __call__(self, *args: Any) -> Any:
        """Call it from Python."""
        if INTERPRETER.is_running:
            return self.py_func(*args)
        if self._callable is None:
            self._callable = numba.njit(self.py_func, pipeline_class=entry_compiler())
        return self._callable(*args)

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """Resolve a call by the types of its arguments alone; an enum's member counts as its number."""
        plain = {name: _plain(kind) for name, kind in dict(kws).items()}
        return super().get_call_template(tuple(_plain(kind) for kind in args), plain)


def _plain(kind: Any) -> Any:
    kind = types.unliteral(kind)
    return kind.dtype if isinstance(kind, types.IntEnumMember) else kind


def with_globals(function: Callable[..., Any], name: str, **values: Any) -> Callable[..., Any]:
    """A copy of the function under another name, which finds these values among its globals.

    For one body that is compiled for several callees: a closure would do, but numba's cache never finds one again.
    """
    code = function.__code__.replace(co_name=name, co_qualname=name)
    copied = FunctionType(code, {**function.__globals__, **values}, name)
    copied.__doc__, copied.__module__ = function.__doc__, function.__module__
    return copied


def compiled(function: Function) -> Function:
    """Compile a function that compiled code calls; with NUMBA_DISABLE_JIT=1 it stays plain Python.

    It must not make arrays: it is compiled without reference counts, which for the tables of a State, passed through
    a dozen calls a step, cost more than all the rest.
    """
    return function if _CONFIG.DISABLE_JIT else InnerFunction(function, allocates=False)  # type: ignore[return-value]


def compiled_allocating(function: Function) -> Function:
    """Like `compiled`, for a function that makes arrays, or is handed one by a function that does."""
    return function if _CONFIG.DISABLE_JIT else InnerFunction(function, allocates=True)  # type: ignore[return-value]
