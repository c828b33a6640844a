"""What the certificates of servers are checked against. Loads OpenSSL: imported with the first question only."""

from __future__ import annotations

import ssl
from functools import lru_cache


@lru_cache(maxsize=16)
def tls_context(ca_file: str | None = None) -> ssl.SSLContext:
    """Checks certificates and names. The machine's authorities and Mozilla's, or those of one file and no others.

    Read once: the authorities take 2 MB, which processes that are forked afterwards share. Raises OSError.
    """
    if ca_file is not None:
        return ssl.create_default_context(cafile=ca_file)
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
