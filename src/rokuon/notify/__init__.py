"""Notifications: findings, notices, recipients and mails (M12). Mails say what happened and what to do; they hold no audio link, no
caller's number and no caller's name."""
