"""One module a page. A view reads what it shows within `request.reach`, or changes something and redirects."""
