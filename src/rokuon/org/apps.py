from django.apps import AppConfig


class OrgConfig(AppConfig):
    name = "rokuon.org"
    label = "org"
