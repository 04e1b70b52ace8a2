"""The rules of the hooks, and what it takes to try them on a plugin."""
