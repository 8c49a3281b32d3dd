"""A self-hosted URL shortener: fast redirects, exact click statistics, a REST API."""

__version__ = "0.1.0"
