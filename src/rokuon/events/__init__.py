"""What Dialpad tells by itself: the webhook of each company, and the hints that came through it."""
