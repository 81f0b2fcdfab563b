"""Tests of engine.zookeeper, over real servers."""
