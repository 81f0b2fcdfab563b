"""Tests of engine.local.api: the contract table by table, over HTTP."""
