"""The files of configs/cluster are what their tools take, where those need not be there to tell."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it has no types of its own
import pytest
import ray.autoscaler
import yaml
from ray._private.ray_constants import RAY_RUNTIME_ENV_CREATE_WORKING_DIR_ENV_VAR
from ray._private.runtime_env.dependency_utils import gen_requirements_txt
from ray.runtime_env import RuntimeEnv

from pipeline.engines.placement import matches
from pipeline.workflow.config import load_config

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = ROOT / "configs" / "cluster"
RAY_SCHEMA = Path(ray.autoscaler.__file__).with_name("ray-schema.json")

RAY_JOB: dict[str, Any] = {
    "submissionMode": {"K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"},
    "policy": {"DeleteWorkers", "DeleteCluster", "DeleteSelf", "DeleteNone"},
    "jobStatus": {"SUCCEEDED", "FAILED"},
    "jobDeploymentStatus": {"Failed"},
}
"""Of the custom resource RayJob of KubeRay 1.5, the values that it names."""


def loaded(name: str) -> Any:
    return yaml.safe_load((CLUSTER / name).read_text(encoding="utf-8"))


def selectors(path: Path) -> list[Mapping[str, str]]:
    """What the engines and nodes of a config want of the labels of a machine."""
    config = load_config(path)
    return [
        *(engine.place.label_selector for engine in config.engines.values()),
        *(node.execution.label_selector for node in config.nodes.values()),
    ]


def test_the_file_of_the_autoscaler_is_one_by_the_schema_of_ray() -> None:
    schema = json.loads(RAY_SCHEMA.read_text())
    given = loaded("autoscaler.yaml")
    jsonschema.validate(given, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**given, "max_wokers": 1}, schema)


def test_the_job_of_kuberay_names_what_there_is_and_deletes_all_of_it() -> None:
    job = loaded("kuberay.yaml")
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    spec = job["spec"]
    assert spec["submissionMode"] in RAY_JOB["submissionMode"]
    rules = spec["deletionStrategy"]["deletionRules"]
    for rule in rules:
        (status,) = rule["condition"].keys() - {"ttlSeconds"}
        assert rule["condition"][status] in RAY_JOB[status]
        assert rule["policy"] in RAY_JOB["policy"]
    deleted = {(r["condition"].get("jobStatus"), r["policy"]) for r in rules}
    assert {("SUCCEEDED", "DeleteCluster"), ("FAILED", "DeleteCluster")} <= deleted
    assert not {"shutdownAfterJobFinishes", "ttlSecondsAfterFinished"} & spec.keys(), (
        "KubeRay takes no rules beside them"
    )
    head = spec["rayClusterSpec"]["headGroupSpec"]
    assert head["template"]["spec"]["restartPolicy"] == "Never", "SidecarMode wants it"
    for group in spec["rayClusterSpec"]["workerGroupSpecs"]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def test_each_thing_has_machines_with_its_labels() -> None:
    wanted = selectors(CLUSTER / "placed.yaml")
    groups = loaded("kuberay.yaml")["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    types = loaded("autoscaler.yaml")["available_node_types"].values()
    for machines in (groups, [each for each in types if "labels" in each]):
        for selector in wanted:
            assert any(matches(machine["labels"], selector) for machine in machines)


def test_the_config_of_skypilot_wants_no_label_that_its_machines_have_not() -> None:
    given = loaded("skypilot.yaml")
    wanted = selectors(ROOT / given["envs"]["CONFIG"])
    labels = [{key: value} for key, value in re.findall(r"--labels=(\w+)=(\S+)", given["run"])]
    assert labels and all(matches(has, selector) for has in labels for selector in wanted)


def test_the_runtime_environment_is_one_and_its_extras_are_ours() -> None:
    given = RuntimeEnv(**loaded("runtime_env.yaml"))
    (package,) = given["pip"]["packages"]
    extras = re.fullmatch(r"\$\{RAY_RUNTIME_ENV_CREATE_WORKING_DIR\}\[(.+)\]", package)
    assert extras is not None
    project = (ROOT / "pyproject.toml").read_text()
    assert all(f"\n{extra} = [" in project for extra in extras[1].split(","))


def test_pip_finds_in_what_the_job_ships_the_package_with_its_extras(tmp_path: Path) -> None:
    """As an agent of Ray calls it: with the packages as a file, and in its environment the place
    where the folder of the job lies on the node."""
    pip = RuntimeEnv(**loaded("runtime_env.yaml")).pip_config()
    gen_requirements_txt(str(tmp_path / "wanted.txt"), pip["packages"])
    command = [sys.executable, "-m", "pip", "install", "-r", str(tmp_path / "wanted.txt")]
    # Nothing is fetched or installed.
    command += ["--dry-run", "--no-deps", "--no-index", "--no-build-isolation"]
    place = {RAY_RUNTIME_ENV_CREATE_WORKING_DIR_ENV_VAR: ROOT.as_posix()}
    done = subprocess.run(
        command,
        env={**os.environ, **place},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(r"Would install turnwise-\d", done.stdout)
    assert "does not provide" not in done.stderr, "an extra"


def test_scripts_are_shell_and_call_what_there_is() -> None:
    scripts = [(CLUSTER / "slurm.sh").read_text()]
    scripts += [loaded("skypilot.yaml")[key] for key in ("setup", "run")]
    for script in scripts:
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
        assert "turnwise run -c" in script or "pip install" in script


def test_the_image_installs_what_is_locked_and_has_each_target() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert [line.split()[-1] for line in lines if line.startswith("FROM ")] == ["cpu", "cuda"]
    copied = {name for line in lines if line.startswith("COPY ") for name in line.split()[1:-1]}
    assert copied == {"requirements.lock", "."} and (ROOT / "requirements.lock").exists()
    assert any("--require-hashes -r requirements.lock" in line for line in lines)
