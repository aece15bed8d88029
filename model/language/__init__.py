"""How a driver is written: patterns, captured from Python source into source-neutral routines."""

from .errors import PatternError
from .load import Pattern, load_pattern
from .tables import Tables

__all__ = ["Pattern", "PatternError", "Tables", "load_pattern"]
