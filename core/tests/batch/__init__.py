"""Batches, held to their promises: nothing lost, nothing twice, nobody else's trouble."""
