"""A disk that fails to read a file from some byte on, for processes that are started with it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ssize_t read(int fd, void *to, size_t count) {
    ssize_t (*next)(int, void *, size_t) = dlsym(RTLD_NEXT, "read");
    FILE *faults = fopen(getenv("FAULTY_DISK"), "r");
    if (faults) {
        char link[64], name[4096], faulty[4096];
        long from;
        int number, matched = fscanf(faults, "%d %ld %4095s", &number, &from, faulty);
        fclose(faults);
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, name, sizeof name - 1);
        if (matched == 3 && length > 0) {
            name[length] = 0;
            if (!strcmp(name, faulty) && lseek(fd, 0, SEEK_CUR) + (long)count > from) {
                errno = number;
                return -1;
            }
        }
    }
    return next(fd, to, count);
}
"""


class FaultyDisk:
    """Interposes ``read``: in every process with ``environment``, in Python and in FFmpeg alike."""

    def __init__(self, folder: Path) -> None:
        """Skips the test where there is no C compiler."""
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("there is no C compiler")
        library, self._faults = folder / "faulty_disk.so", folder / "faults"
        source = folder / "faulty_disk.c"
        source.write_text(_SOURCE, encoding="ascii")
        command = [compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
        subprocess.run(command, check=True)
        self.environment = {"LD_PRELOAD": str(library), "FAULTY_DISK": str(self._faults)}

    def fail(self, file: Path, error: int, from_byte: int = 0) -> None:
        """From now on a read of that file, at or over that byte, fails so."""
        self._faults.write_text(f"{error} {from_byte} {file.resolve()}\n")

    def heal(self) -> None:
        """From now on nothing fails."""
        self._faults.unlink()
