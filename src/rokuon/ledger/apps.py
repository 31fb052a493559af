from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "rokuon.ledger"
    label = "ledger"
