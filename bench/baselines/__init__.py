"""Servers that the relay is compared with."""
