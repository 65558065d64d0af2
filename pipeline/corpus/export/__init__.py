"""Dialogues of a run or a corpus, written as files that a trainer loads."""
