"""Follows a run that is under way: brings its report to what exists, again and again."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event

from pipeline.errors import CommandError
from pipeline.reports.viewer.site import Site
from pipeline.workflow.plan import NodePlan, planned_again

LOOK_EVERY_S = 3.0


def follow(site: Site, plans: Sequence[NodePlan], stop: Event) -> None:
    """Look for new parts until ``stop`` is set; the manifest is not read again.

    A part may be discarded before it is read: then the next look finds what is there.
    """
    before = _names(plans)
    while not stop.wait(LOOK_EVERY_S):
        try:
            now = planned_again(plans)
            if _names(now) != before:
                site.write(now)
                before = _names(now)
        except (CommandError, OSError) as error:
            site.trouble = str(error)
        else:
            site.trouble = ""


def _names(plans: Sequence[NodePlan]) -> set[str]:
    return {part.address for plan in plans for part in plan.parts.values()}
