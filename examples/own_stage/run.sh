#!/bin/sh
# A task of your own: examples/own_stage/run.sh FOLDER
# Copies the sources into FOLDER, so that yours stay as they are, adds the stage clock.py to them, and
# runs it over a video of 12 seconds.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sources=$(dirname "$(dirname "$here")")
mkdir -p "$1/videos"
for part in pipeline stages prompts configs data_manifest; do cp -r "$sources/$part" "$1"; done
cp "$here/clock.py" "$1/stages"
cp "$here/config.yaml" "$1"
cd "$1"
unset PYTHONPATH
ffmpeg -loglevel error -y -f lavfi -i "testsrc=size=320x240:rate=10:duration=12" -pix_fmt yuv420p \
  videos/test.mp4

python pipeline/run.py stages clock
python pipeline/run.py run -c config.yaml
python pipeline/run.py preview runs/own_stage/corpus --task clock
