"""Independent doubles of clouds, and proxies to put between a double and the code under test."""
