"""Profiles for the property tests: `ci` draws the same examples at every run."""

import os

from hypothesis import settings

# No deadline: a slow machine is no fault of the code.
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("dev", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))
