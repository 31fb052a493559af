from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "rokuon.console"
    label = "console"
