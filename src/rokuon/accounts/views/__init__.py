"""Pages of sign-in and of one's own account. The pages about a company's people are in `console.people`."""
