#!/bin/sh
# From two videos to a corpus: examples/own_videos/run.sh FOLDER
# Put files of your own into FOLDER/videos and lines into the manifest in place of the two made here.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sources=$(dirname "$(dirname "$here")")
mkdir -p "$1/videos"
cd "$1"

# Two tiny videos: a grey one on which a red square appears, and one whose background changes.
video="ffmpeg -loglevel error -y -f lavfi -i"
$video "color=gray:320x240:rate=10:duration=8,drawbox=x=120:y=80:w=80:h=80:color=red:t=fill:enable='gte(t,3)'" \
  -pix_fmt yuv420p videos/square.mp4
$video "color=white:320x240:rate=10:duration=5[a];color=blue:320x240:rate=10:duration=5[b];[a][b]concat" \
  -pix_fmt yuv420p videos/background.mp4

cat > manifest.jsonl <<LINES
{"uri": "videos/square.mp4", "source": "mine", "licence": "CC0-1.0"}
{"uri": "videos/background.mp4", "source": "mine", "licence": "CC0-1.0", "clip_start_s": 1}
LINES

cat > config.yaml <<YAML
extends: $sources/configs/streamo.yaml
run: {name: own_videos, root: $PWD/run, workers: 2}
source: {path: $PWD/manifest.jsonl}
YAML

python "$sources/pipeline/run.py" run -c config.yaml
python "$sources/pipeline/run.py" preview run/corpus --task narration
