"""The web page and its endpoints: `ganime serve`. Python's own HTTP server, no other package."""
