"""Fixtures for the tests of the command line."""

from .fakes import pattern, workshop

__all__ = ["pattern", "workshop"]
