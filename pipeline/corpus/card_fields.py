"""The part of the card that says what every field means."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.corpus.markdown import table
from pipeline.records import AskedQuestion, Dialogue, PlacedResponse, Record, Turn
from pipeline.records.schema import schema_of

_DIALOGUE: Mapping[str, str] = {
    "sample_id": "name of the dialogue",
    "video_id": "name of the video at its platform",
    "task": "what the assistant is asked to do; also the name of the config. `mixed`: several",
    "aspect": "for a task with kinds of question, which kind this is",
    "source": "the collection that the video comes from",
    "licence": "of the video",
    "split": "all dialogues of a video are in one split",
    "sha256": "of the video file, to know it again; empty for a stream of several files",
    "frames_sha256": "of the digests of all its frames; empty where nobody took them",
    "uri": "where the manifest has the video",
    "clip_start_s": "where in the file the clip begins",
    "clip_end_s": "where in the file it ends; null for the end of the file",
    "clips": "of a stream, its clips in order, each with its file, bounds, digest, source and"
    " licence; one begins where the one before it ends. Empty for a video of one file",
    "duration_s": "of the video or clip",
    "width": "of the video as displayed, in pixels; 0 where nobody looked",
    "height": "of the video as displayed, in pixels",
    "turns_per_s": "turns a second",
    "whole_id": "the sample that this one is a window of; empty where it is whole",
    "context_turns": "so many turns at the beginning repeat the window before; not to be learned",
    "n_silence": "turns in silence, leaving out those that repeat; so with the other two",
    "n_standby": "turns on standby",
    "n_response": "turns with a response",
    "n_tail": "of the silent ones, those at the end, in which nothing is asked either",
    "models": "all that wrote or verified it, as `model@revision`; empty when a dataset said it",
    "origins": "who wrote what a dataset said of it: `human`, `model`, `asr`; empty where no"
    " dataset had a part in it, or does not say",
    "annotation_ids": "what it was made from",
    "is_negative": "what it asks for does not occur in the video, so all turns are silent",
    "is_still": "what it asks has one answer from then to the end: that is said once, and then"
    " silence is right",
    "parent_ids": "what that was made from: events, the requests that found them, or the places"
    " in a dataset's files",
    "checks": "verifications: what was checked, passed or not, by which model",
    "provenance": "every model call that had a part in it: prompt, model, sampling, seed, tokens",
    "questions": "all that is asked, by which annotation, of which task, and when",
    "responses": "all that is said: which question it answers, its evidence, when it was due, how"
    " long it is valid, in which `turn` it came to stand, and `flags` where that is not where it"
    " asked to",
    "memory": "of a window, what was seen and said before its first turn, in words: the summary of"
    " each stretch (`middle`), older ones merged (`long`)",
    "turns": "the dialogue, one turn a segment of the video",
}
_TURN: Mapping[str, str] = {
    "index": "number of the turn, from 0; also of its frame",
    "start_s": "start of the segment",
    "end_s": "end of the segment",
    "frame_s": "when the frame on screen at `start_s` was presented",
    "state": "`silence`, `standby` or `response`",
    "transition": "the state is not that of the turn before; the first turn always counts",
    "question": "what the user asks in this turn; mostly empty",
    "text": "what the assistant says; empty but in a response",
    "qids": "names of the questions asked in this turn",
    "rids": "names of the responses given in this turn",
    "answers": "the question that each response answers, in the same order",
    "flags": "those of its responses (`merged`, `repeated`, `shifted`, `clamped`,"
    " `postponed`, `split`, `fallback`); `late_question`"
    " where it is asked after the end, `carried` where it was asked in an earlier window",
    "loss": "whether the turn is learned from; null where no preset of weights was applied",
    "loss_scale": "how much the turn counts where it is",
}
_QUESTION: Mapping[str, str] = {
    "qid": "name of the question in this dialogue",
    "text": "as the user puts it",
    "asked_s": "when it is asked; it stands in the turn of that time",
    "options": "answers to choose from; mostly none",
    "kind": "what it asks for: `descriptive`, `counting`, `state`, `action` or `binary`; mostly"
    " empty",
    "distractors": "answers that are right at no time, among `options` or not",
    "asked_by": "what settled when: `start`; `before_first`, drawn before the first answer;"
    " `after_event`, drawn after the evidence; `still`, drawn where its answer changes no more;"
    " `given` by its dataset",
    "depends_on": "the earlier question without which nobody can tell what it asks for; mostly"
    " empty",
    "task": "of its annotation",
    "aspect": "which kind of question it is, for a task with kinds",
    "annotation_id": "of the annotation that it is from",
    "is_negative": "what it asks for does not occur in the video",
}
_RESPONSE: Mapping[str, str] = {
    "rid": "name of the response in this dialogue",
    "qid": "the question that it answers",
    "kind": "`event`: reported when its span is over; `instant`: at the first frame that shows it",
    "text": "what the assistant says",
    "start_s": "start of what it reports",
    "end_s": "end of it; of an instant, the same",
    "respond_s": "when all that it says has been seen: it is due then, if `due_s` is null",
    "valid_until_s": "when it stops being true; null where it stays so or nobody knows",
    "evidence": "the spans, each `start_s` and `end_s`, on which it rests: none ends after it is"
    " due",
    "due_s": "when it is due by a policy other than the end of its evidence",
    "due_by": "the policy that settled when it is due: `end`, `start_plus`, `earliest_reliable`,"
    " `window`; `fallback` is the end, where nothing confirms what the policy asks for",
    "valid_from_s": "from when on it may be said",
    "earliest_answerable_s": "the first frame from which on a verifier, shown the frames up to"
    " then, gave this answer; null where nobody looked",
    "confirmed_s": "the frames from then to `respond_s` at which it was asked",
    "still_until_s": "the last of several frames behind `respond_s` at which it was asked, and"
    " gave this answer each time; null where it was not, or once gave another",
    "from_memory": "a verifier told it from `memory` alone, and not from the frames of its window",
    "turn": "`index` of the turn in which it stands",
    "standby_from": "`index` of the first turn on standby for it; `turn` where it has none",
    "flags": "where it does not stand as it was due: `merged` with another in one turn, `shifted`"
    " behind another, `split` off into a dialogue apart, `clamped` to the last turn; `fallback`"
    " as in `due_by`",
}


def fields() -> str:
    """Tables of all fields, with their types."""
    return (
        f"A row is a dialogue. Times are seconds from the first frame; spans are half-open.\n\n"
        f"{_described(Dialogue, _DIALOGUE)}\n\nA turn:\n\n{_described(Turn, _TURN)}\n\n"
        f"A question:\n\n{_described(AskedQuestion, _QUESTION)}\n\n"
        f"A response:\n\n{_described(PlacedResponse, _RESPONSE)}"
    )


def _described(kind: type[Record], meanings: Mapping[str, str]) -> str:
    schema = schema_of(kind)
    rows = []
    for name in kind.model_fields:
        arrow = str(schema.field(name).type)
        shown = "list of structs" if "struct" in arrow else arrow
        shown = "list of strings" if shown.startswith("list<item: string") else shown
        shown = "list of doubles" if shown.startswith("list<item: double") else shown
        rows.append((f"`{name}`", shown.replace(" ", _NO_BREAK), meanings[name]))
    return table(("field", "type", "meaning"), rows)


_NO_BREAK = "\u00a0"
