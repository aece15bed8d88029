"""Hypothesis profiles, chosen by HYPOTHESIS_PROFILE: `dev` (the default), `ci`, `nightly`."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("dev", max_examples=20, deadline=None)
settings.register_profile("ci", max_examples=200, deadline=None, derandomize=True)
settings.register_profile(
    "nightly", max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

os.environ["DIRQL_CACHE_DIR"] = ""  # no test finds what another left; those of the cache set it
