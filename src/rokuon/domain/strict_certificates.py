"""Detect certificates that Python 3.13 and newer refuse and older versions accept: those of many companies' own authorities."""

import ssl

from .failures import N_

ADVICE = N_(
    "Have your certificate authority issue certificates with subject and authority key identifiers (RFC 5280): Python 3.13 and newer "
    "refuse others."
)

# OpenSSL's codes of its strict checks (RFC 5280), from X509_V_ERR_PATHLEN_INVALID_FOR_NON_CA to X509_V_ERR_EXTENSIONS_REQUIRE_VERSION_3.
# Missing identifiers of keys are 85 and 86.
_STRICT = range(80, 94)


def lacks(error: BaseException | None) -> str:
    """Return what such a certificate lacks, in OpenSSL's words, such as "Missing Authority Key Identifier"; "" for any other error.

    OpenSSL's error is also found inside a library's error: as its cause, or among its arguments."""
    seen: set[int] = set()
    left = [error]
    while left:
        one = left.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        # aiohttp's own error is a subclass of it too, without a code.
        if isinstance(one, ssl.SSLCertVerificationError) and getattr(one, "verify_code", 0) in _STRICT:
            return one.verify_message
        left += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]  # urllib3 gives its own no cause
        left = [each for each in left if isinstance(each, BaseException)]
    return ""
