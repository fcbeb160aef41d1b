"""Starts, watches and stops the processes of one instance. Nothing of ours outlives its supervisor."""
