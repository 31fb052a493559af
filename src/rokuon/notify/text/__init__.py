"""Texts of notices and of their mails."""
