"""Hypothesis profiles: the default one, and `prove`, which `make prove` selects and which tries ten times as many examples."""

from __future__ import annotations

import os

from hypothesis import settings

# Tests call only loopback. A proxy or an authority of this machine must not come in between.
for _name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
    for _spelling in (_name, _name.lower()):
        os.environ.pop(_spelling, None)

# Examples have no deadline, so that a loaded machine does not fail a property.
settings.register_profile("usual", deadline=None)
settings.register_profile("prove", deadline=None, max_examples=1_000, print_blob=True)
settings.load_profile("usual")
