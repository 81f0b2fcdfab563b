"""Tests of engine.local."""
