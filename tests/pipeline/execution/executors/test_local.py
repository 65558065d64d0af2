from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from pipeline.engines.base import EmbeddedConfig, EngineConfig
from pipeline.errors import ConfigError
from pipeline.execution.executors import local, worker_process
from pipeline.execution.executors.local import GPU_VARIABLE, LocalExecutor, visible_gpus
from pipeline.execution.executors.worker_process import BEAT, WorkerProcess
from tests.pipeline.execution.executors.acting import (
    Holder,
    Tasks,
    errors_of,
    make_task,
    parts_of,
    places,
)
from tests.pipeline.execution.executors.scripted_pool import Placed
from tests.runs.killing import below, command_of

__all__ = ["make_task"]


@pytest.mark.parametrize(
    ("do", "error"),
    [("exit", "SystemExit: no more"), ("interrupt", "Keyboard"), ("panic", "Panic")],
)
@pytest.mark.parametrize("engine", [None, Holder(model="a", slots=3)])
def test_a_library_that_leaves_fails_its_shard_alone(
    make_task: Tasks, engine: EngineConfig | None, do: str, error: str
) -> None:
    tasks = [make_task(i, engine=engine, do=do if i == 1 else "") for i in range(3)]
    errors = errors_of(LocalExecutor(2).run(tasks, Placed()))
    assert list(errors) == ["act1"] and error in errors["act1"]


def test_a_result_that_cannot_be_sent_fails_its_shard_alone(make_task: Tasks) -> None:
    results = LocalExecutor(1).run([make_task(0, do="be unsendable"), make_task(1)], Placed())
    assert errors_of(results) == {"act0": "its worker process died 2 times"}


def test_a_death_is_seen_although_a_child_lives_on(make_task: Tasks, tmp_path: Path) -> None:
    tasks = [make_task(0, do="die and leave a child"), make_task(1)]
    results = LocalExecutor(2).run(tasks, Placed())
    assert errors_of(results) == {"act0": "its worker process died 2 times"}
    children = [int(path.name.removeprefix("child-")) for path in tmp_path.glob("child-*")]
    assert len(children) == 2
    for pid in children:
        os.kill(pid, signal.SIGKILL)  # raises where a child was gone


def test_a_stopped_worker_is_killed_and_another_takes_its_task(
    make_task: Tasks, tmp_path: Path
) -> None:
    tasks = [make_task(0, do="stop once"), make_task(1)]
    assert not errors_of(LocalExecutor(2, silence_s=3).run(tasks, Placed()))
    stopped = int((tmp_path / "once").read_text())
    assert not Path(f"/proc/{stopped}").exists()
    assert stopped not in {pid for pid, _ in places(tasks)}


def test_a_worker_that_is_stopped_again_and_again_fails_its_task_alone(make_task: Tasks) -> None:
    tasks = [make_task(0, do="stop"), make_task(1)]
    assert errors_of(LocalExecutor(2, silence_s=2).run(tasks, Placed())) == {
        "act0": "its worker process gave no sign of life (run.worker_silence_s) 2 times"
    }


def test_a_worker_at_work_gives_signs_of_life_and_a_stopped_driver_sees_none(
    make_task: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After Ctrl-Z and ``fg`` hours have passed for the driver, in which it saw nothing."""
    hours = itertools.count(step=3600)
    monkeypatch.setattr(local, "monotonic", lambda: next(hours))
    assert not errors_of(LocalExecutor(1, silence_s=5).run([make_task(0, sleep_s=4)], Placed()))


def test_a_run_ends_although_an_idle_worker_is_stopped(
    make_task: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process, "CLOSE_TIMEOUT_S", 0.1)
    monkeypatch.setattr(worker_process, "_GRACE_S", 0.5)
    first = make_task(0)
    results = LocalExecutor(1).run([first], Placed())
    assert not next(results).error
    ((pid, _),) = places([first])
    os.kill(pid, signal.SIGSTOP)
    assert not list(results)
    assert not Path(f"/proc/{pid}").exists()


def test_a_death_of_an_idle_process_is_no_fault_of_the_next_task(make_task: Tasks) -> None:
    first = make_task(0)
    results = LocalExecutor(1).run([first, make_task(1, [first], do="die once")], Placed())
    assert not next(results).error
    ((pid, _),) = places([first])
    os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.01)
    assert not errors_of(results)


ready = Placed().resolve


def test_a_process_may_die_before_it_has_read_what_it_was_sent(make_task: Tasks) -> None:
    process = WorkerProcess(2, {})
    process.start(ready(make_task(0)))
    while process.result() == BEAT:
        pass
    pid = process._process.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    process.start(ready(make_task(1)))
    os.kill(pid, signal.SIGKILL)
    process.wait()
    process.start(ready(make_task(2)))
    assert process.result() is None
    process.close()


def test_engines_that_take_turns_wait_until_the_gpus_are_given_back(
    make_task: Tasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(GPU_VARIABLE, "4,5")
    a = Holder(model="a", size=2, folder=tmp_path, close_s=1)
    b = Holder(model="b", size=2, folder=tmp_path)
    first = [make_task(i, node="first", engine=a) for i in range(2)]
    second = [make_task(i, [first[i]], node="second", engine=b) for i in range(2)]
    assert not errors_of(LocalExecutor(1).run([*first, *second], Placed()))
    assert {gpus for _, gpus in places([*first, *second])} == {"4,5"}
    assert not list(tmp_path.glob("gpu-*"))


def test_an_engine_is_let_go_for_another_and_opened_again(
    make_task: Tasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first has a task left, below that of the second, when it gives its GPU back."""
    monkeypatch.setenv(GPU_VARIABLE, "0")
    one, other = (Holder(model=name, folder=tmp_path, size=1) for name in "ab")
    first = make_task(0, engine=one)
    second = make_task(1, [first], engine=other)
    last = make_task(2, [second], engine=one)
    assert not errors_of(LocalExecutor(1).run([first, second, last], Placed()))


def test_a_replica_that_did_not_fit_starts_when_it_does(
    make_task: Tasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(GPU_VARIABLE, "0,1")
    short = make_task(0, node="short", engine=Holder(model="a", size=1, folder=tmp_path))
    b = Holder(model="b", size=1, folder=tmp_path, replicas=2)
    long = [make_task(i, node="long", engine=b, meet=2) for i in range(6)]
    free = make_task(0, node="free")
    assert not errors_of(LocalExecutor(1).run([short, *long, free], Placed()))
    assert {gpus for _, gpus in places(long)} == {"0", "1"}
    assert {gpus for _, gpus in places([free])} == {"0,1"}, "the environment as it is now"


def test_an_engine_with_a_least_takes_what_gpus_are_left_and_no_more(
    make_task: Tasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(GPU_VARIABLE, "0,1,2")
    many = Holder(model="many", size=1, folder=tmp_path, replicas=9, least=1)
    one = Holder(model="one", size=1, folder=tmp_path)
    # The first is done by the only one that there is then; the others need one more beside them.
    first = make_task(0, engine=many)
    several = [make_task(i, [first], engine=many, meet=3) for i in range(1, 6)]
    other = make_task(9, node="other", engine=one, meet=3)
    assert not errors_of(LocalExecutor(1).run([first, *several, other], Placed()))
    # The other had its turn first, and gives its own back.
    assert 2 <= len(places([first, *several])) <= 3
    assert {gpus for _, gpus in places([other])} <= {"0", "1", "2"}


def test_what_does_not_fit_this_machine_is_said(
    make_task: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(GPU_VARIABLE, "0")
    with pytest.raises(ConfigError, match="big needs 2 GPUs; this machine shows 1"):
        list(LocalExecutor(1).run([make_task(0, engine=Holder(model="big", size=2))], Placed()))


@pytest.mark.parametrize(
    ("workers", "kept", "replicas", "least", "expected"),
    [
        (None, 0, 1, None, 4),
        (None, 0.5, 1, None, 3),
        (None, 1, 9, 2, 2),
        (None, 8, 1, None, 1),
        (4, 2, 1, None, 4),
    ],
)
def test_workers_leave_the_cpus_that_engines_keep(
    make_task: Tasks,
    monkeypatch: pytest.MonkeyPatch,
    workers: int | None,
    kept: float,
    replicas: int,
    least: int | None,
    expected: int,
) -> None:
    """Tasks that share an engine share what it keeps; a number that was given stands."""
    engine = Holder(model="a", replicas=replicas, least=least, keeps=kept)
    asking = [make_task(n, node="asks", engine=engine) for n in range(2)]
    others = [make_task(n) for n in range(6)]
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)))
    assert not errors_of(LocalExecutor(workers).run([*others, *asking], Placed()))
    assert len(places(others)) == expected


@pytest.mark.parametrize("stop", ["exhausted", "left", "raised"])
def test_a_run_leaves_nothing_behind(make_task: Tasks, tmp_path: Path, stop: str) -> None:
    tasks = [make_task(0, engine=Holder(model="a", slots=2)), make_task(1, engine=EmbeddedConfig())]
    tasks += [make_task(i, sleep_s=0.0 if stop == "exhausted" else 600.0) for i in range(2, 4)]
    list(LocalExecutor(2).run([make_task(9)], Placed()))  # starts the fork server
    multiprocessing.active_children()
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208  names alone
    results = LocalExecutor(3).run(tasks, Placed())
    while (result := next(results, None)) is not None:
        assert not result.error
        if stop != "exhausted" and all(parts_of(t) for t in tasks[:2]):
            break
    if stop == "raised":
        with pytest.raises(KeyboardInterrupt):
            results.throw(KeyboardInterrupt)  # type: ignore[attr-defined]  # it is a generator
    else:
        results.close()  # type: ignore[attr-defined]  # it is a generator
    while multiprocessing.active_children():
        time.sleep(0.05)
    assert len(set(os.listdir("/proc/self/fd")) - before) == 0  # noqa: PTH208


@pytest.mark.parametrize(
    ("value", "names"), [("", []), ("-1", []), ("0,-1,1", ["0"]), ("GPU-8a, 3", ["GPU-8a", "3"])]
)
def test_gpus_are_those_that_cuda_would_see(
    value: str, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(GPU_VARIABLE, value)
    assert visible_gpus() == names


def test_gpus_are_counted_from_0_whatever_their_files_are_called(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(GPU_VARIABLE, raising=False)
    monkeypatch.setattr(local, "_DEVICES", tmp_path)
    for name in ("nvidia3", "nvidia7", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert visible_gpus() == ["0", "1"]


def test_a_fork_server_that_dies_while_it_starts_a_process_is_replaced() -> None:
    first = WorkerProcess(1, {})
    assert first.result() == BEAT
    (server,) = [pid for pid in below(os.getpid()) if b"forkserver" in command_of(pid)][:1]
    os.kill(server, signal.SIGSTOP)
    killing = threading.Timer(0.2, os.kill, (server, signal.SIGKILL))
    killing.start()
    second = WorkerProcess(1, {})
    killing.join()
    assert second.result() == BEAT
    for process in (first, second):
        process.close()
        process.wait()
