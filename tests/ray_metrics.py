"""What a node of a Ray cluster shows of the runs that it has seen, as Prometheus reads it."""

from __future__ import annotations

import urllib.request
from collections import Counter

from prometheus_client.parser import text_string_to_metric_families

from pipeline.execution.executors.run_metrics import BUSY_SHARE, COUNTERS, TASKS

KEYS = {**{name: keys for name, (_, keys) in COUNTERS.items()}, TASKS[0]: TASKS[2]}
KEYS |= {BUSY_SHARE[0]: BUSY_SHARE[2]}


def shown_metrics(url: str) -> Counter[tuple[str, ...]]:
    """Our metrics at an address: values by name and the values of their tags, in order."""
    found: Counter[tuple[str, ...]] = Counter()
    with urllib.request.urlopen(url, timeout=30) as answer:
        text = answer.read().decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = sample.name.removeprefix("ray_").removesuffix("_total")
            if name in KEYS:
                tags = (sample.labels[key] for key in KEYS[name])
                found[(name, *tags)] += sample.value  # type: ignore[assignment]
    return found
