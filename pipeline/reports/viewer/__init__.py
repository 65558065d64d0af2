"""The page on which samples are judged: what it shows of a run, and the site that shows it.

A site is one folder. Its data lie as scripts, each a call with one text of JSON, because a browser
reads no other file beside a page that was opened from ``file://``; so the same folder works there,
on a server, and in a Space of the Hub. ``web/`` has the sources of the page, ``dist/`` the page.
"""
