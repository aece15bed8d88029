"""The native engine: the same machine as machine code, the same answers, much faster."""

from .cache import Cache, NoCache, default_cache
from .codec import NotCompilableError
from .reachable import reachable
from .search import NativeEngine

__all__ = ["Cache", "NativeEngine", "NoCache", "NotCompilableError", "default_cache", "reachable"]
