"""One piece of a module's text is replaced, and the functions that are loaded do what it says.

So it holds wherever they are used. It is taken back afterwards.
"""

from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from inspect import getmembers, isclass, isfunction
from pathlib import Path
from types import FunctionType, ModuleType


def functions(module: ModuleType) -> dict[str, FunctionType]:
    """The functions and methods that the module defines, by their qualified names."""
    owners = [module, *(item for _, item in getmembers(module, isclass))]
    found = (item for owner in owners for _, item in getmembers(owner, isfunction))
    return {item.__qualname__: item for item in found if item.__module__ == module.__name__}


@contextmanager
def changed(name: str, old: str, new: str) -> Generator[None]:
    """The module called `name` with `new` for `old`, for as long as the context lasts."""
    module = import_module(name)
    assert module.__file__ is not None
    text = Path(module.__file__).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{name} has changed: mutate something else"
    wrong = ModuleType(module.__name__)
    wrong.__package__ = module.__package__
    exec(compile(text.replace(old, new), name, "exec"), vars(wrong))  # noqa: S102
    right = functions(module)
    codes = {name: item.__code__ for name, item in right.items()}
    for each, item in functions(wrong).items():
        right[each].__code__ = item.__code__
    try:
        yield
    finally:
        for each, code in codes.items():
            right[each].__code__ = code
