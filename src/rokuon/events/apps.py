from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "rokuon.events"
    label = "events"
