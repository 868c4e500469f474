"""Generators and discriminators, one readable file a family."""
