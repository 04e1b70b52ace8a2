"""Transfers, held to their promises against servers that lie."""
