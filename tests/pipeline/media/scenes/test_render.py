"""The rules of the scripts, the truth read from them, and the rendered pixels."""

from __future__ import annotations

import json
import os
import subprocess
from bisect import bisect_right
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, pairwise
from math import dist, inf
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.media.scenes.catalogue import SCENES
from pipeline.media.scenes.render import render_scenes, timing_option
from pipeline.media.scenes.script import HEIGHT, RGB, WIDTH, Actor, Scene
from pipeline.media.scenes.truth import GONE, TrueTrack, Truth
from pipeline.media.scenes.truth_of import described_spans, questions_of, truth_of
from pipeline.records import ManifestRow

BY_NAME = {scene.name: scene for scene in SCENES}
every_scene = pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)


def spans(actor: Actor, scene: Scene) -> list[tuple[float, float]]:
    return [(start, min(end, scene.duration_s())) for start, end in actor.visible]


def whole(actor: Actor) -> bool:
    return actor.visible == ((0.0, inf),)


def instants(scene: Scene) -> list[float]:
    """When something changes: the true changes, and the ends of motions."""
    stops = [move.end_s for actor in scene.actors for move in actor.moves]
    return sorted([*(change.time_s for change in truth_of(scene).changes), *stops])


def grid(scene: Scene) -> list[float]:
    return [n / 20 for n in range(int(scene.duration_s() * 20))]


def value_at(track: TrueTrack, time_s: float) -> str:
    return [value.value for value in track.values if value.time_s <= time_s][-1]


@every_scene
def test_changes_keep_a_distance_and_have_one_decimal(scene: Scene) -> None:
    times = instants(scene)
    assert all(later - earlier >= 2 - 1e-9 for earlier, later in pairwise(times))
    assert all(2 <= time_s <= scene.duration_s() - 2 for time_s in times)
    assert times == [round(time_s, 1) for time_s in times]


@every_scene
def test_spans_are_long_and_motions_are_fast(scene: Scene) -> None:
    assert 10 <= scene.duration_s() <= 60
    for event in truth_of(scene).events:
        assert event.end_s - event.start_s >= 4
    for actor in scene.actors:
        for start, move in actor.legs():
            speed = dist(start, move.to) / (move.end_s - move.start_s)
            assert 0.04 * WIDTH <= speed <= 0.2 * WIDTH


@every_scene
def test_actors_do_not_overlap_and_stay_inside(scene: Scene) -> None:
    for time_s in grid(scene):
        there = [actor for actor in scene.actors if actor.in_view(time_s)]
        for actor in there:
            x, y = actor.place(time_s)
            assert actor.radius <= x <= WIDTH - actor.radius
            assert actor.radius <= y <= HEIGHT - actor.radius
            if not actor.moving(time_s):
                assert min(abs(x - WIDTH / 3), abs(x - 2 * WIDTH / 3)) >= 0.04 * WIDTH
        for one, other in combinations(there, 2):
            distance = np.abs(np.subtract(one.place(time_s), other.place(time_s)))
            assert distance.max() >= one.radius + other.radius + 4


@every_scene
def test_actors_can_be_distinguished(scene: Scene) -> None:
    for actor in scene.actors:
        # A shape that comes or goes, or has a double, is known by the one colour it has.
        alone = sum(other.shape == actor.shape for other in scene.actors) == 1
        assert len(actor.colours) == 1 or (alone and whole(actor))
        assert not any(actor.moving(time_s) for time_s, _ in actor.colours)
        for time_s in grid(scene):
            if actor.moving(time_s):
                assert actor.in_view(time_s)
            if actor.in_view(time_s):
                assert dist(RGB[actor.colour(time_s)], RGB[scene.background(time_s)]) >= 90
    for one, other in combinations(scene.actors, 2):
        assert one.shape != other.shape or one.colours != other.colours


@every_scene
def test_a_turn_shows_what_is_so_at_its_start(scene: Scene) -> None:
    times = scene.frame_times()
    assert times == sorted(set(times))
    for second in range(int(scene.duration_s())):
        shown_s = times[bisect_right(times, second) - 1]
        for track in truth_of(scene).tracks:
            assert value_at(track, shown_s) == value_at(track, second)


def test_scenes_are_many_and_different() -> None:
    assert len(SCENES) >= 12
    assert [scene.name for scene in SCENES] == [f"scene-{n + 1:02}" for n in range(len(SCENES))]
    constant = {scene.rates[0][1] for scene in SCENES if len(scene.rates) == 1}
    assert constant == {Fraction(n) for n in (24, 25, 30, 60)} | {Fraction(30000, 1001)}
    assert any(len(scene.rates) > 1 for scene in SCENES)
    changes = [change for scene in SCENES for change in truth_of(scene).changes]
    assert {change.kind for change in changes} == {"enter", "leave", "move", "colour", "cut"}
    assert {round(time_s * 10) % 10 for s in SCENES for time_s in instants(s)} == set(range(10))
    assert {scene.texture for scene in SCENES} == {"plain", "gradient", "noise"}
    assert {scene.codec for scene in SCENES} == {"libx264", "mpeg4"}
    assert min(len(truth_of(scene).changes) for scene in SCENES) == 0
    assert all(dist(one, other) >= 80 for one, other in combinations(RGB.values(), 2))


@every_scene
def test_tracks_agree_with_the_script(scene: Scene) -> None:
    truth = truth_of(scene)
    for track in truth.tracks:
        assert track.values[0].time_s == 0
        assert all(a.value != b.value and a.time_s < b.time_s for a, b in pairwise(track.values))
    tracks = {(track.aspect, track.subject): track for track in truth.tracks}
    assert len(tracks) == len(truth.tracks)
    for time_s in grid(scene):
        there = [actor for actor in scene.actors if actor.in_view(time_s)]
        assert value_at(tracks["count", "shapes"], time_s) == str(len(there))
        assert value_at(tracks["scene", "background"], time_s) == scene.background(time_s)
        for actor in scene.actors:
            alone = sum(other.shape == actor.shape for other in scene.actors) == 1
            subject = actor.shape if alone else f"{actor.colour(0)} {actor.shape}"
            place, action = tracks["position", subject], tracks["action", subject]
            assert (("attribute", subject) in tracks) == alone
            if actor not in there:
                assert value_at(place, time_s) == value_at(action, time_s) == GONE
                continue
            if alone:
                assert value_at(tracks["attribute", subject], time_s) == actor.colour(time_s)
            third = 3 * actor.place(time_s)[0] / WIDTH
            if abs(third - round(third)) > 1e-6:
                assert value_at(place, time_s) == ("left", "middle", "right")[int(third)]
            assert value_at(action, time_s) == ("moving" if actor.moving(time_s) else "still")


@every_scene
def test_changes_and_events_belong_together(scene: Scene) -> None:
    truth = truth_of(scene)
    of_kind = {
        kind: [c.time_s for c in truth.changes if c.kind == kind]
        for kind in ("enter", "leave", "move", "colour", "cut")
    }
    actions = [event for event in truth.events if event.family == "action"]
    assert [event.start_s for event in actions] == of_kind["move"]
    there = [event for event in truth.events if "view" in event.caption]
    assert sorted(event.start_s for event in there if event.start_s) == of_kind["enter"]
    assert sorted(e.end_s for e in there if e.end_s < truth.duration_s) == of_kind["leave"]
    stretches = [event for event in truth.events if "background" in event.caption]
    assert [event.start_s for event in stretches if event.start_s] == of_kind["cut"]
    assert len(of_kind["colour"]) == sum(len(actor.colours) - 1 for actor in scene.actors)


@every_scene
def test_questions_have_the_right_option(scene: Scene) -> None:
    for number in range(5):
        cuts, shapes = questions_of(scene, number)
        assert cuts.text == str(sum(c.kind == "cut" for c in truth_of(scene).changes))
        assert shapes.text == truth_of(scene).tracks[0].values[-1].value
        for question in (cuts, shapes):
            assert question.text in question.options
            assert len(set(question.options)) == 4


@every_scene
def test_people_describe_what_happens_for_a_while_in_words_of_their_own(scene: Scene) -> None:
    truth, described = truth_of(scene), described_spans(scene)
    whole = (0.0, truth.duration_s)
    true = sorted((e.start_s, e.end_s) for e in truth.events)
    assert sorted((e.start_s, e.end_s) for e in described) == [
        span for span in true if span != whole
    ]
    assert not {e.text for e in described} & {e.caption for e in truth.events}
    assert all(entry.origin == "human" for entry in described)
    assert len({entry.pointer for entry in described}) == len(described)
    motions = [entry for entry in described if "slides" in entry.text]
    assert len(motions) == sum(event.family == "action" for event in truth.events)
    steps = [entry for entry in described if entry.kind == "step"]
    assert steps == (motions if len(motions) > 1 else [])


def presentation(path: Path) -> tuple[list[float], float]:
    """Presentation times of all frames, and the duration of the stream."""
    entries = "packet=pts_time:stream=duration"
    command = ["ffprobe", "-v", "error", "-show_entries", entries, "-of", "json", str(path)]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    times = sorted(float(packet["pts_time"]) for packet in answer["packets"])
    return times, float(answer["streams"][0]["duration"])


def frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    command = ["ffmpeg", "-v", "error", "-i", str(path), f"-{timing_option()}", "passthrough"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    size = WIDTH * HEIGHT * 3
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while pixels := process.stdout.read(size):
            yield np.frombuffer(pixels, np.uint8).reshape(HEIGHT, WIDTH, 3)


def colour_of(pixel: NDArray[np.uint8]) -> str:
    return min(RGB, key=lambda name: dist(RGB[name], pixel.tolist()))


@pytest.mark.parametrize("name", ["scene-03", "scene-07", "scene-09", "scene-13"])
def test_pixels_agree_with_the_script(name: str, tmp_path: Path) -> None:
    scene = BY_NAME[name]
    render_scenes(tmp_path, [name])
    times, duration_s = presentation(tmp_path / "videos" / f"{name}.mp4")
    assert times == pytest.approx(scene.frame_times(), abs=1e-5)
    assert duration_s == pytest.approx(scene.duration_s(), abs=1e-5)
    shown = 0
    for time_s, frame in zip(
        scene.frame_times(), frames(tmp_path / "videos" / f"{name}.mp4"), strict=True
    ):
        shown += 1
        background = scene.background(time_s)
        assert colour_of(frame[3, 3]) == colour_of(frame[-3, -3]) == background
        for actor in scene.actors:
            x, y = (round(at) for at in actor.place(time_s))
            inner, outer = round(actor.radius * 0.8), actor.radius + 3
            ink = actor.colour(time_s) if actor.in_view(time_s) else background
            assert colour_of(frame[y, x]) == ink
            assert colour_of(frame[y + inner, x]) == ink
            assert colour_of(frame[y + outer, x]) == background
    assert shown == len(times)


def test_rendering_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    names = ["scene-05", "scene-14"]
    first, second = tmp_path / "first", tmp_path / "second"
    assert render_scenes(first, names) == first / "manifest.jsonl"
    render_scenes(second, names)
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert len(files) == 5
    assert all((first / file).read_bytes() == (second / file).read_bytes() for file in files)


def test_a_rendered_scene_is_not_rendered_again(tmp_path: Path) -> None:
    name = "scene-14"
    render_scenes(tmp_path, [name])
    video, truth = tmp_path / "videos" / f"{name}.mp4", tmp_path / "truth" / f"{name}.json"
    os.utime(video, (1, 1))
    render_scenes(tmp_path, [name])
    assert video.stat().st_mtime == 1
    truth.write_text(truth.read_text().replace('"script"', ' "script"'))
    render_scenes(tmp_path, [name])
    assert video.stat().st_mtime > 1


def test_manifest_and_truth_files_can_be_read(tmp_path: Path) -> None:
    manifest = render_scenes(tmp_path, ["scene-14"])
    (row,) = [ManifestRow.model_validate_json(line) for line in manifest.read_text().splitlines()]
    assert (row.video_id, row.source, row.licence) == ("scene-14", "scripted-scenes", "Apache-2.0")
    assert (manifest.parent / row.uri).is_file()
    read = Truth.model_validate_json((tmp_path / "truth" / "scene-14.json").read_bytes())
    assert read == truth_of(BY_NAME["scene-14"])


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="scene-99"):
        render_scenes(tmp_path, ["scene-99"])
