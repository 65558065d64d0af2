"""What is done to a video. A public module defines one ``STAGE``; ``_name.py`` is shared."""
