"""Notifications: findings, notices, recipients and mails (M12). Mails say what happened and what to do; they hold no audio link, no number
of a caller and no name of one."""
