from django.apps import AppConfig


class NotifyConfig(AppConfig):
    name = "rokuon.notify"
    label = "notify"
