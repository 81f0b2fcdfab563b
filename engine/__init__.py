"""The headless job engine; these names are all that a plug-in needs."""

from __future__ import annotations

from engine.errors import ActionFailed, EngineError, JobInterrupted, PluginError, SettingsError
from engine.models.job import JobRequest
from engine.service.bulk import BulkAction, BulkResult, SkipAction
from engine.service.elastic import elasticsearch_client
from engine.service.endings import UnfinishedBulkAction
from engine.service.job import Job
from engine.service.registry import DAY, HOUR, MINUTE, action, distributor
from engine.states import ExecutionMode, JobState

__all__ = [
    "DAY",
    "HOUR",
    "MINUTE",
    "ActionFailed",
    "BulkAction",
    "BulkResult",
    "EngineError",
    "ExecutionMode",
    "Job",
    "JobInterrupted",
    "JobRequest",
    "JobState",
    "PluginError",
    "SettingsError",
    "SkipAction",
    "UnfinishedBulkAction",
    "action",
    "distributor",
    "elasticsearch_client",
]
