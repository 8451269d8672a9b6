"""Mutation testing of `verify`: every part of good files is broken, and a gate must find it."""
