from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "rokuon.accounts"
    label = "accounts"
