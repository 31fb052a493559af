"""Security headers of every response: load and run only our own files, no framing by others, no caching of a signed-in person's pages."""

from django.http import HttpResponseBase

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "media-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "object-src": "'none'",
}

# Only with the policy same-origin does the browser send the Origin header, which the check of the forms needs.
_ALWAYS = {
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), "
    "microphone=(), midi=(), payment=(), usb=()",
    "X-Robots-Tag": "noindex, nofollow",
}

HSTS = "max-age=31536000"


POLICY = "; ".join(f"{name} {value}" for name, value in _POLICY.items())
"""The Content-Security-Policy of a page."""


FRAMING = f"{POLICY}; frame-src 'self'"
"""The same for a page that shows another page of ours in a frame."""

FRAMED = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
"""The policy of the page in such a frame: styles only. It runs, loads and sends nothing."""


def protect(response: HttpResponseBase, *, secure: bool) -> None:
    """Set the headers that the view has not set itself. `secure`: the console is reached by https."""
    for name, value in _ALWAYS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers.setdefault("Cache-Control", "no-store")
    if secure:
        response.headers.setdefault("Strict-Transport-Security", HSTS)
