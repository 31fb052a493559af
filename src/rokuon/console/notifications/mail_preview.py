"""Preview of the mails: an example of each, in a frame that runs, loads and sends nothing."""

from django.conf import settings
from django.http import HttpResponse

from rokuon.console.web import security_headers
from rokuon.notify import samples
from rokuon.notify.render import Rendered, render

from . import text

FIRST = "opened"


def names() -> list[tuple[str, str]]:
    """Return, for each mail, its name in the address and its occasion in words."""
    return [(name, text.occasion(name)) for name in samples.LETTERS]


def rendered(name: str, language: str) -> Rendered:
    """Render the example `name`, which is one of `names()`."""
    return render(samples.LETTERS[name], language, settings.ROKUON_PUBLIC_URL.origin)


def framing(page: HttpResponse) -> HttpResponse:
    """Let the page around the frame show a frame of our own."""
    page["Content-Security-Policy"] = security_headers.FRAMING
    return page


def alone(mail: Rendered) -> HttpResponse:
    """Return the mail as a page of its own. A mail contains its own styles, so the policy allows those and nothing else."""
    return HttpResponse(mail.html, headers={"Content-Security-Policy": security_headers.FRAMED, "X-Frame-Options": "SAMEORIGIN"})
