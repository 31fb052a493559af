"""Notices, their recipients and their mails."""
