from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import ray
from ray.autoscaler.v2.sdk import get_cluster_status
from ray.cluster_utils import Cluster
from ray.exceptions import RayActorError

from pipeline.execution.executors import ray_cluster, ray_executor, ray_replicas, run_metrics
from pipeline.execution.executors.base import DEATHS_IN_A_ROW
from pipeline.execution.executors.ray_cluster import IN_FLIGHT_PER_PLACE
from pipeline.execution.executors.ray_executor import RayExecutor
from pipeline.execution.worker import run_shard
from tests.pipeline.execution.executors.acting import (
    Holder,
    Tasks,
    errors_of,
    make_task,
    parts_of,
)
from tests.pipeline.execution.executors.scripted_pool import Placed
from tests.ray_metrics import shown_metrics

__all__ = ["make_task"]


@pytest.mark.parametrize("form", ["127.0.0.1:{port}", "ray://127.0.0.1:{port}", "127.0.0.1:port"])
def test_an_address_where_nobody_listens_is_named_at_once(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = form.format(port=free.getsockname()[1])
        monkeypatch.setenv("RAY_ADDRESS", address)
        monkeypatch.setattr(ray, "init", None)  # it would wait for minutes
        with pytest.raises(ConnectionError, match=f"RAY_ADDRESS={address}: no answer from there"):
            list(RayExecutor().run([], Placed()))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Ray on this machine, as two CPUs; more can be added."""
    ray_auth = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
    with pytest.MonkeyPatch.context() as environment:
        for name, value in ray_auth.items():
            environment.setenv(name, value)
        soon = {"metrics_report_interval_ms": 1000}
        cluster = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 2, "_system_config": soon}
        )
        root = str(ray_cluster.ROOT)
        ray.init(cluster.address, runtime_env={"working_dir": root}, log_to_driver=False)
        yield cluster
        ray.shutdown()
        cluster.shutdown()  # type: ignore[no-untyped-call]


@pytest.fixture
def actors(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The actors that are started from now on."""
    made: list[Any] = []
    start = ray_replicas._process

    def started(*given: Any) -> Any:
        actor = start(*given)
        made.append(actor)
        return actor

    monkeypatch.setattr(ray_replicas, "_process", started)
    return made


def ends(actor: Any) -> bool:
    """True as soon as an actor is gone."""
    while True:
        try:
            ray.get(actor.close.remote())
        except RayActorError:
            return True
        time.sleep(0.1)


@pytest.mark.ray
def test_an_actor_that_is_killed_is_replaced_and_all_are_shown_and_let_go(
    cluster: Cluster, make_task: Tasks, actors: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_metrics, "SHOWN_EVERY_S", 0.0)
    monkeypatch.setattr(ray_replicas, "SHOWN_EVERY_S", 0.2)
    monkeypatch.setattr(ray_executor, "REFRESH_S", 0.2)
    engine = Holder(model="a", replicas=2, slots=2)
    tasks = [make_task(i, engine=engine, do="ask", sleep_s=0.5, meet=2) for i in range(16)]
    (head,) = ray.nodes()  # type: ignore[no-untyped-call]
    url = f"http://{head['NodeManagerAddress']}:{head['MetricsExportPort']}/metrics"
    job = ray.get_runtime_context().get_job_id()
    names = {f"shown {job}: a {number}" for number in (1, 2)}
    waiting, in_flight = (("turnwise_tasks", "shown", "act", s) for s in ("waiting", "in_flight"))
    shares = [("turnwise_engine_busy_share", "shown", "a", number) for number in ("1", "2")]
    killed = None
    for result in RayExecutor(run="shown").run(tasks, Placed()):
        assert not result.error
        if len(actors) != 2 + (killed is not None):
            continue
        assert set(ray.util.list_named_actors()) == names, "also of the one in its place"
        if killed is None:
            shown: dict[tuple[str, ...], float] = {}
            while not all(shown.get(key) for key in (*shares, waiting, in_flight)):
                shown |= shown_metrics(url)
                time.sleep(0.1)
            assert all(0 < shown[share] < 1 for share in shares)
            assert shown[waiting] + shown[in_flight] == len(tasks)
            killed = actors[0]
            ray.kill(killed)
    assert len(actors) == 3
    assert all(map(parts_of, tasks)), "whichever process did them"
    assert all(map(ends, actors))


@pytest.mark.ray
def test_actors_that_never_start_are_not_started_for_ever(
    cluster: Cluster, make_task: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = ray_replicas._process
    starts: list[Any] = []

    def stillborn(*given: Any) -> Any:
        starts.append(start(*given))
        ray.kill(starts[-1])
        return starts[-1]

    monkeypatch.setattr(ray_replicas, "_process", stillborn)
    tasks = [make_task(i, engine=Holder(model="a")) for i in range(8)]
    assert len(errors_of(RayExecutor().run(tasks, Placed()))) == len(tasks)
    assert len(starts) <= DEATHS_IN_A_ROW + 1


@pytest.mark.ray
def test_a_run_that_is_left_leaves_no_actor(
    cluster: Cluster, make_task: Tasks, actors: list[Any]
) -> None:
    engine = Holder(model="a", replicas=2)
    results = RayExecutor().run(
        [make_task(i, engine=engine, sleep_s=0.2) for i in range(9)], Placed()
    )
    next(results)
    results.close()  # type: ignore[attr-defined]  # it is a generator
    assert all(map(ends, actors))


@pytest.mark.ray
def test_a_task_that_leaves_fails_alone(cluster: Cluster, make_task: Tasks) -> None:
    engine = Holder(model="a", slots=3)
    tasks = [make_task(i, node="alone", do="exit" if i == 1 else "") for i in range(3)]
    tasks += [make_task(i, engine=engine, do="exit" if i == 1 else "") for i in range(3)]
    assert errors_of(RayExecutor().run(tasks, Placed())) == {
        "alone1": "its worker process died 2 times",
        "act1": "SystemExit: no more",
    }


def demands(cluster: Cluster) -> dict[tuple[float, float], int]:
    """The demand that an autoscaler sees: how many tasks and engines of each (CPUs, GPUs)."""
    asked = get_cluster_status(cluster.address).resource_demands
    found: dict[tuple[float, float], int] = {}
    for demand in (*asked.ray_task_actor_demand, *asked.placement_group_demand):
        for each in demand.bundles_by_count:
            size = each.bundle.get("CPU", 0.0), each.bundle.get("GPU", 0.0)
            # An actor that waits for its group asks for a part of that.
            if any(size):
                found[size] = found.get(size, 0) + each.count
    return found


@pytest.mark.ray
def test_what_no_machine_has_is_reported_demanded_and_waited_for(
    cluster: Cluster, make_task: Tasks, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = Holder(model="big", size=1)
    tasks = [make_task(i, node="many") for i in range(12)]
    tasks += [make_task(0, engine=engine)]
    # Deeper nodes go first; so many of these that no other would ever have its turn.
    tasks += [make_task(i, node="wide", cpus=3) for i in range(20)]
    results = RayExecutor().run(tasks, Placed())
    assert [next(results).node for _ in range(12)] == ["many"] * 12
    # It learns a moment later what is done.
    while demands(cluster) != {(3.0, 0.0): IN_FLIGHT_PER_PLACE, (0.0, 1.0): 1}:
        time.sleep(0.1)
    cluster.add_node(num_cpus=8, num_gpus=1)
    assert not errors_of(results)
    assert capsys.readouterr().err.splitlines() == [
        "big needs 0 CPUs and 1 GPUs; no machine of the cluster has: waiting for one",
        "wide needs 3 CPUs and 0 GPUs; no machine of the cluster has: waiting for one",
    ]


@pytest.mark.ray
def test_a_failure_of_ray_is_one_line(
    cluster: Cluster, make_task: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = {"working_dir": "gcs://_ray_pkg_0123456789abcdef.zip"}
    remote = ray.remote(max_retries=0, runtime_env=unknown)(run_shard)
    monkeypatch.setattr(ray_executor, "_run_shard", remote)
    with pytest.raises(
        ConnectionError, match="Ray: Failed to set up runtime environment"
    ) as failure:
        list(RayExecutor().run([make_task(0)], Placed()))
    assert "\n" not in str(failure.value)


@pytest.mark.ray
def test_a_cluster_that_grows_is_given_more(
    cluster: Cluster, make_task: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_cluster, "REFRESH_S", 0.0)
    pool = ray_executor._RayPool(ray_cluster.Cluster(), "grows", lambda: None)
    key = ray_executor._pool_key_by_size(make_task(0))
    before = pool.capacity(key)
    cluster.add_node(num_cpus=3)
    pool.start(Placed().resolve(make_task(0)))
    assert not pool.finished(), "machines came, which an engine might use"
    assert pool.finished()
    assert pool.capacity(key) == before + 3 * IN_FLIGHT_PER_PLACE
