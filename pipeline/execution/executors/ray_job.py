"""The Ray job that this process belongs to, known without importing Ray."""

from __future__ import annotations

import json
import os

_JOB_VARIABLE = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Ray sets it in a process that ``ray job submit`` started, to the job's config as JSON."""


def in_ray_job() -> bool:
    """Whether ``ray job submit`` started this process."""
    return _JOB_VARIABLE in os.environ


def ships_working_dir() -> bool:
    """Whether the job brings its own working directory to the workers."""
    job = json.loads(os.environ.get(_JOB_VARIABLE, "{}"))
    return "working_dir" in job.get("runtime_env", {})
