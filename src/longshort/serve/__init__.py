"""A trained model as a server: sessions and predictions over HTTP and WebSocket, and a page."""
