"""The console as a WSGI application, for gunicorn (`rokuon serve`) or a server of your own."""

from rokuon.runtime.django_start import start_django

start_django()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - Django's settings come first

application = get_wsgi_application()
