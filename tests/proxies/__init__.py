"""The shortener behind real proxies."""
