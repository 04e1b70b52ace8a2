"""Plugins: found by entry points, imported when used, called with care. The only place that knows pluggy."""

from downspout._plugins.calls import Hooks, Outcome
from downspout._plugins.registry import Loaded, PluginRegistry, Report
from downspout._plugins.workers import TimeLimitExceeded, Workers

__all__ = ["Hooks", "Loaded", "Outcome", "PluginRegistry", "Report", "TimeLimitExceeded", "Workers"]
