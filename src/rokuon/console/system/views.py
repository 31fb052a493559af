"""View of the system page: the state of the installation, for its operators."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render

from rokuon.accounts.permissions import Action
from rokuon.config import Config
from rokuon.console.web import guards
from rokuon.console.web.guards import CompanyRequest, page

from . import read_model


@page(Action.SYSTEM)
def show(request: CompanyRequest) -> HttpResponse:
    zone = guards.reader_zone(request)
    look = read_model.load_system(request.company, Config.load(), settings.ROKUON_PUBLIC_URL, guards.now(request), zone)
    return render(request, "console/system/system.html", {"look": look, "zone": zone})
