"""What a streaming model is trained with: the objective, and how trainers take it.

It needs PyTorch alone (``turnwise[train]``) and nothing else of turnwise, so that a trainer's
environment can have a copy of the folder.
"""
