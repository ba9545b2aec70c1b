"""How compiled functions are linked: those that only compiled code calls become machine code once, in what calls them.

numba by itself optimises each function together with all that it calls, and makes machine code of that, before it does
the same for the caller: for functions that nobody calls from outside that is nearly half of the compiler's time. This
hangs on numba's insides, so that versions on which it was not tried link as they always do.
"""

from collections.abc import Iterator
from typing import Any

import numba
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler

_TRIED = ("0.68.",)


class _NoMachineCode:
    """In place of a code generator, where numba tells it of a function that has no address."""

    def set_env(self, name: str, environment: Any) -> None:
        """Nothing to tell: whoever loads an entry point tells it of all functions in there."""


class InnerLibrary(JITCodeLibrary):
    """One function's code as numba lowered it, for others to link."""

    @property
    def codegen(self) -> Any:
        """See `_NoMachineCode`."""
        return _NoMachineCode()

    def _optimize_functions(self, ll_module: Any) -> None:
        """Left to the entry point's library."""
        ll_module.data_layout = self._codegen._data_layout

    def finalize(self) -> None:
        """Nothing is linked into it, optimised or turned into machine code."""
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """It has none."""
        return 0

    def own_module(self) -> Any:
        """The function's code alone."""
        return super()._get_module_for_linking()

    def _get_module_for_linking(self) -> Any:
        """With all that it calls: for the library of another package's function, which links only what it names."""
        whole = self.own_module().clone()
        for library in _reached([self]):
            if library is not self:
                whole.link_in(_module_of(library), preserve=True)
        return whole


class EntryLibrary(JITCodeLibrary):
    """An entry point's code: all that it reaches is linked into it, each function once."""

    def finalize(self) -> None:
        """Link, optimise, and make machine code of it."""
        self._linking_libraries = [_Alone(library) for library in _reached(self._linking_libraries)]
        super().finalize()


class _Alone:
    """A library as the linker of another sees it, without what it calls."""

    def __init__(self, library: Any):
        self._reload_init = library._reload_init
        self._library = library

    def _get_module_for_linking(self) -> Any:
        return _module_of(self._library)


def _module_of(library: Any) -> Any:
    return library.own_module() if isinstance(library, InnerLibrary) else library._get_module_for_linking()


def _reached(libraries: list[Any]) -> Iterator[Any]:
    """These, and all that inner ones call, each once."""
    seen: set[Any] = set()
    waiting = libraries[::-1]
    while waiting:
        library = waiting.pop()
        if library in seen:
            continue
        seen.add(library)
        yield library
        if isinstance(library, InnerLibrary):
            waiting += library._linking_libraries[::-1]


class _OurCompiler(Compiler):
    """numba's pipeline, for code that goes into a library of another kind."""

    library: type[JITCodeLibrary]

    def __init__(self, typing: Any, target: Any, library: Any, args: Any, returned: Any, flags: Any, locals: Any):
        super().__init__(typing, target, library, args, returned, flags, locals)
        if library is None:
            self.state.library = self.library(self.state.targetctx.codegen(), type(self).__name__)
            self.state.library.enable_object_caching()


class InnerCompiler(_OurCompiler):
    """Of functions that only compiled code calls."""

    library = InnerLibrary


class EntryCompiler(_OurCompiler):
    """Of entry points."""

    library = EntryLibrary


def inner_compiler() -> type[Compiler]:
    """The pipeline of functions that only compiled code calls."""
    return InnerCompiler if numba.__version__.startswith(_TRIED) else Compiler


def entry_compiler() -> type[Compiler]:
    """The pipeline of entry points."""
    return EntryCompiler if numba.__version__.startswith(_TRIED) else Compiler
