"""How hypothesis tests here, and what of the environment no unit test is to see."""

from __future__ import annotations

import hypothesis
import pytest

hypothesis.settings.register_profile(
    "unit",
    hypothesis.settings(),
    deadline=None,  # a busy machine is no failure
)
hypothesis.settings.load_profile("unit")


@pytest.fixture(autouse=True)
def _certificates_of_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget certificates that this machine's environment names.

    Each tap would read them, which takes as long as a small run.
    """
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
