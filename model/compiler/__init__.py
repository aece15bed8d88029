"""From a driver's routine graphs to a machine: a partial evaluator of drivers and kernel rules."""

from .compilation import compile_system

__all__ = ["compile_system"]
