"""Dialpad's webhook events: the webhook of each company, and the hints received through it."""
