from django.apps import AppConfig


class CustodyConfig(AppConfig):
    name = "rokuon.custody"
    label = "custody"
