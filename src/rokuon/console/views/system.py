"""The system page: how the installation does, for whoever looks after it."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render

from rokuon.accounts.may import Action
from rokuon.config import Config
from rokuon.console import gate, system
from rokuon.console.gate import CompanyRequest, page


@page(Action.SYSTEM)
def show(request: CompanyRequest) -> HttpResponse:
    look = system.look(request.company, Config.load(), settings.ROKUON_PUBLIC_URL, gate.now(request))
    return render(request, "console/system.html", {"look": look, "zone": gate.company_zone(request.company)})
