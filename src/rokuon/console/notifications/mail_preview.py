"""How the mails look: an example of each, which stands alone in a frame that runs, loads and sends nothing."""

from django.conf import settings
from django.http import HttpResponse

from rokuon.console.web import security_headers
from rokuon.notify import samples
from rokuon.notify.render import Rendered, render

from . import text

FIRST = "opened"


def names() -> list[tuple[str, str]]:
    """Each mail there is: its name in the address, and its occasion in words."""
    return [(name, text.occasion(name)) for name in samples.LETTERS]


def rendered(name: str, language: str) -> Rendered:
    """`name` is one of `names`."""
    return render(samples.LETTERS[name], language, settings.ROKUON_PUBLIC_URL.origin)


def framing(page: HttpResponse) -> HttpResponse:
    """The page around the frame: it may show one of our own."""
    page["Content-Security-Policy"] = security_headers.FRAMING
    return page


def alone(mail: Rendered) -> HttpResponse:
    """The mail's own page. Mails carry their looks with them, so it may have those, and nothing else."""
    return HttpResponse(mail.html, headers={"Content-Security-Policy": security_headers.FRAMED, "X-Frame-Options": "SAMEORIGIN"})
