"""From IR to functions that can be called: LLVM, and a cache of what it compiled."""

from __future__ import annotations

import ctypes
import hashlib
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import llvmlite.binding as llvm

import verify
from verify.base.cache import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KEPT = 256  # compiled objects in the cache folder


class Compiled:
    """Functions in machine code. They live as long as this object does."""

    def __init__(self, engine: llvm.ExecutionEngine) -> None:
        self._engine = engine

    def address(self, name: str) -> int:
        """Where a function begins."""
        return int(self._engine.get_function_address(name))


def compiled(text: str | Callable[[], str], *, optimised: bool, source: str = "") -> Compiled:
    """Compile IR for this machine, or take what was compiled from the same text before.

    ``optimised``: run LLVM's pipeline. What the emitter writes is numbered and folded already, and is compiled as it stands.
    ``source``: all that the text is made from, if it is a function, which then is called only if it must be.
    """
    machine = _target(2 if optimised else 1)
    kept = _kept(text if isinstance(text, str) else source, optimised=optimised)
    known = kept.read()
    module = llvm.parse_assembly("" if known else text if isinstance(text, str) else text())
    module.triple = machine.triple
    if optimised and not known:
        builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=2))
        builder.getModulePassManager().run(module, builder)
    engine = llvm.create_mcjit_compiler(module, machine)
    if known:
        engine.add_object_file(llvm.ObjectFileRef.from_data(known))
    else:
        engine.set_object_cache(lambda _, code: kept.write(code), lambda _: None)
    engine.finalize_object()
    return Compiled(engine)


def stored(source: str, *, optimised: bool) -> bool:
    """Whether :func:`compiled` has compiled that before, so that it takes no time."""
    return _kept(source, optimised=optimised).exists


def _kept(source: str, *, optimised: bool) -> _Stored:
    return _Stored(hashlib.sha256(f"{_about()} {optimised}\n{source}".encode()).hexdigest())


def compresses_vectors() -> bool:
    """Whether this CPU packs the wanted elements of a vector of eight words in one instruction (AVX-512)."""
    features = llvm.get_host_cpu_features()
    return all(features.get(name, False) for name in ("avx512f", "avx512dq", "avx512vl"))


def function(address: int, parameters: int) -> ctypes._CFuncPtr:  # type: ignore[name-defined]  # ctypes has no public name
    """A function from so many 64-bit numbers to one, which lets other threads run meanwhile."""
    return ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * parameters)(address)


@cache
def _initialised() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


def _target(level: int) -> llvm.TargetMachine:
    """This machine; each engine takes one for its own."""
    _initialised()
    target = llvm.Target.from_default_triple()
    features = llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(cpu=llvm.get_host_cpu_name(), features=features, opt=level, jit=True)


def _about() -> str:
    """What compiled code depends on besides its text."""
    features = llvm.get_host_cpu_features().flatten()
    return f"{verify.__version__} {llvm.llvm_version_info} {llvm.get_host_cpu_name()} {features}"


class _Stored:
    """An object file in the cache folder. A cache that cannot be read or written is no cache, and no error."""

    def __init__(self, digest: str) -> None:
        self._path = cache_folder() / f"{digest}.o"

    @property
    def exists(self) -> bool:
        """Whether there is something to read."""
        return self._path.is_file()

    def read(self) -> bytes:
        """The object; empty if it is not there, or damaged."""
        try:
            data = self._path.read_bytes()
            os.utime(self._path)
        except OSError:
            return b""
        seal, code = data[:32], data[32:]
        return code if hashlib.sha256(code).digest() == seal else b""

    def write(self, code: bytes) -> None:
        """Keep an object, and let the oldest go."""
        try:
            folder = self._path.parent
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
                file.write(hashlib.sha256(code).digest() + code)
            Path(file.name).replace(self._path)
            _forget(sorted(folder.glob("*.o"), key=lambda p: p.stat().st_mtime)[:-KEPT])
        except OSError:
            pass


def _forget(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
