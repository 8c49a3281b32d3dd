"""The administration pages, under /admin: for people with a browser who have signed in."""
