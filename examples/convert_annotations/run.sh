#!/bin/sh
# Annotations in Streamo's raw format into files for a trainer: examples/convert_annotations/run.sh FOLDER
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sources=$(dirname "$(dirname "$here")")
mkdir -p "$1/videos"
cd "$1"
turnwise="python $sources/pipeline/run.py"

# The video that raw.json is about. Its last event ends with it.
ffmpeg -loglevel error -y -f lavfi -i "testsrc=size=320x240:rate=10:duration=9" -pix_fmt yuv420p \
  videos/test.mp4

# What is wrong with the file, and what the official converter would lose.
$turnwise audit "$here/raw.json" --videos videos

# The chat that ms-swift 4 and LLaMA-Factory read, with one frame a turn in train.jsonl.images.
$turnwise convert "$here/raw.json" -o train.jsonl --to messages --videos videos

# No response is lost, though two are due in one turn and one ends with the video.
head -c 600 train.jsonl
