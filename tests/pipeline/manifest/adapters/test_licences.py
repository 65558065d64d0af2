from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from pipeline.errors import ConfigError
from pipeline.manifest.adapters.licences import (
    LICENCES_FILE,
    Terms,
    Without,
    load_licences,
    terms_of,
)
from pipeline.manifest.registry import known_adapters, lookup_adapter


def test_every_adapter_has_its_terms_and_every_entry_names_where_it_was_read() -> None:
    licences = load_licences()
    for known in known_adapters():
        adapter = known.adapter or lookup_adapter(known.name, {})
        assert adapter.name == known.name
        assert adapter.licence in licences, f"{known.name}: {adapter.licence}"
        assert known.headline and adapter.proof
    keys = re.findall(r"^(\w+):", LICENCES_FILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert keys == sorted(set(keys)) == sorted(licences)


def test_the_licences_hold_what_was_read_of_the_strictest() -> None:
    licences = load_licences()
    alike = {name for name, terms in licences.items() if terms.share_alike}
    assert alike == {"qvhighlights", "shot2story", "et_instruct", "et_instruct_ego4d"}
    signed = {name for name, terms in licences.items() if terms.ego4d}
    assert {"egotimeqa", "qaego4d"} < signed
    assert all(not licences[name].publish for name in signed)
    assert [n for n, terms in licences.items() if "videos" in terms.publish] == ["finevideo"]
    assert licences["coin"].non_commercial and not licences["hacs"].non_commercial
    by_family: dict[str, set[tuple[bool, bool]]] = {}
    for terms in licences.values():
        flags = (terms.share_alike, terms.non_commercial)
        by_family.setdefault(terms.family, set()).add(flags)
    assert all(len(flags) == 1 for flags in by_family.values())


def entry(**fields: object) -> dict[str, object]:
    return load_licences()["coin"].model_dump(mode="json") | fields


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"coin": entry(publish=["texts"])}, "coin.publish.0"),
        ({"coin": entry(family="CC BY")}, "coin.family"),
        ({"coin": entry(checked="")}, "coin.checked"),
        ({"coin": entry(sharealike=True)}, "coin.sharealike.*did you mean 'share_alike'"),
        ({"coin": {"annotations": "MIT"}}, "coin.videos"),
        ({"coin": entry(platforms={"ego4d": "coins"})}, "no entry 'coins'; did you mean 'coin'"),
        ([], "(top)"),
    ],
)
def test_what_is_wrong_with_the_licences_is_named_by_its_key(
    tmp_path: Path, entries: object, message: str
) -> None:
    path = tmp_path / "licences.yaml"
    path.write_text(yaml.safe_dump(entries))
    with pytest.raises(ConfigError, match=message):
        load_licences(path)


def test_an_unknown_entry_is_no_licence() -> None:
    with pytest.raises(ConfigError, match="no entry 'coins'; did you mean 'coin'"):
        terms_of(load_licences(), "coins")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_licences(Path("/nowhere/licences.yaml"))


def test_switches_leave_out_what_they_name(licences: dict[str, Terms]) -> None:
    every: frozenset[Without] = frozenset({"share-alike", "ego4d", "model-written"})
    assert licences["alike"].left_out(every, "") == "share_alike"
    assert licences["signed"].left_out(every, "") == "ego4d"
    assert licences["toy"].left_out(every, "ego4d") == "ego4d"
    assert licences["toy"].left_out(every, "youtube") == ""
    signed: frozenset[Without] = frozenset({"ego4d"})
    assert licences["alike"].left_out(signed, "") == ""
