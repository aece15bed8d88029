"""Tests of the driver language."""
