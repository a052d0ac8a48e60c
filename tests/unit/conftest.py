"""How hypothesis tests here."""

from __future__ import annotations

import hypothesis

hypothesis.settings.register_profile(
    "unit",
    hypothesis.settings(),
    deadline=None,  # a busy machine is no failure
)
hypothesis.settings.load_profile("unit")
