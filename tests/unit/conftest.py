"""How hard the property tests try: `HYPOTHESIS_PROFILE=fuzz` runs each of them on thousands of inputs."""

import os

from hypothesis import settings

settings.register_profile("quick", max_examples=100, deadline=None)
settings.register_profile("fuzz", max_examples=20_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
