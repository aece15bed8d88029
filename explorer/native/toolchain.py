"""LLVM, behind a small typed surface: the only module that imports llvmlite.

llvmlite's binding carries no types. Text of LLVM's assembly language goes in, object code comes
out; object code goes in, addresses of functions come out. Loading damaged object code crashes the
process, so whoever stores it checks it first (`cache.py`).
"""

import os
import sys
from functools import lru_cache
from importlib import import_module
from subprocess import PIPE, Popen
from typing import Any

from ..processes import CHILDREN

binding: Any = import_module("llvmlite.binding")
llvmlite: Any = import_module("llvmlite")

APART = 400_000
"""Characters of a text that takes about a second to compile."""


class Library:
    """Object code that was loaded. It stays in memory as long as this object."""

    def __init__(self, code: bytes) -> None:
        """Load `code`, made by `compile_text` on this computer."""
        module = binding.parse_assembly("")
        self._engine = binding.create_mcjit_compiler(module, _target_machine())
        self._engine.add_object_file(binding.ObjectFileRef.from_data(code))
        self._engine.finalize_object()

    def address(self, name: str) -> int:
        """Where function `name` is."""
        return int(self._engine.get_function_address(name))


def compile_text(text: str) -> bytes:
    """Optimised object code for this computer from LLVM assembly language.

    LLVM cannot be stopped. So a text that takes longer than a moment is compiled by a process of
    its own, which can: when a limit is reached, or at Ctrl-C.

    Raises:
        RuntimeError: the text is not well formed; a mistake in whoever wrote it.
        MemoryError: the system ended that process.
    """
    if len(text) < APART or not sys.executable:
        return compile_here(text)
    command = [sys.executable, "-P", "-m", "dirql.explorer.native.apart", str(os.getpid())]
    with Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE) as process:  # noqa: S603  (ourselves)
        CHILDREN.add(process.pid)
        try:
            code, complaint = process.communicate(text.encode())
        finally:
            process.kill()
            CHILDREN.discard(process.pid)
    if process.returncode < 0:
        raise MemoryError
    if process.returncode > 0:
        raise RuntimeError(complaint.decode(errors="replace"))
    return code


def compile_here(text: str) -> bytes:
    """As `compile_text`, in this process.

    Few passes, because the text is made to need few. Measured on a machine of 190 transitions: the
    standard pipeline takes 0.96 s, these passes 0.45 s. On the benchmark model the search is 3 %
    slower.

    Raises:
        RuntimeError: the text is not well formed; a mistake in whoever wrote it.
    """
    machine = _target_machine()
    module = binding.parse_assembly(text)
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    builder = binding.create_pass_builder(machine, binding.create_pipeline_tuning_options())
    passes = binding.create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    passes.add_sroa_pass()
    passes.add_simplify_cfg_pass()
    passes.run(module, builder)
    return bytes(machine.emit_object(module))


@lru_cache(maxsize=1)
def target() -> str:
    """What object code depends on: the versions of LLVM and its binding, the processor's name."""
    version = ".".join(map(str, binding.llvm_version_info))
    features = str(binding.get_host_cpu_features().flatten())
    names = (llvmlite.__version__, version, binding.get_process_triple())
    return "|".join((*map(str, names), str(binding.get_host_cpu_name()), features))


def _target_machine() -> Any:  # noqa: ANN401 - an object of llvmlite, which has no types
    _initialize()
    made = binding.Target.from_triple(binding.get_process_triple())
    return made.create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        opt=1,
        jit=True,
    )


@lru_cache(maxsize=1)
def _initialize() -> None:
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
