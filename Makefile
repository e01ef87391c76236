# Each target works as the only command on a fresh clone: the environment is made from the hash lock first.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
COMPILER := $(VENV)/gpu-compiler
STUDY ?= studies/quick
ICA ?= studies/nonlinear_ica_quick

.DEFAULT_GOAL := help
.PHONY: help quick quick-ica test test-slow lint docs bench bench-metrics gpu-bench gpu-bytes lock clean

help:  ## Show this list.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, found " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation -e .
	@touch $@

quick: $(READY)  ## Train, score and tabulate the small study (minutes on 2 cores).
	$(BIN)/disentanglement-study quick $(STUDY)

quick-ica: $(READY)  ## Non-linear ICA: train, score and tabulate a small study of its methods (minutes on 2 cores).
	$(BIN)/disentanglement-study run nonlinear_ica_quick $(ICA)
	$(BIN)/disentanglement-study tables $(ICA)
	$(BIN)/disentanglement-study figures $(ICA) --paper hyvarinen2023
	$(BIN)/disentanglement-study unmix $(ICA)

test: $(READY)  ## Run the test suite, but for what takes long.
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder

test-slow: $(READY)  ## Run the tests that take long: many repetitions, whole cross products.
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder -m slow

lint: $(READY)  ## Check style, imports and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(READY)  ## Build the documentation site into site/; a broken link is an error.
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build
	@echo "Open site/index.html. To search, serve it: $(BIN)/python -m http.server --directory site"

bench: $(READY)  ## Measure training on this machine, beside PyTorch if it is installed.
	$(BIN)/python benchmarks/training.py

bench-metrics: $(READY)  ## Measure the metrics on this machine, beside scikit-learn.
	$(BIN)/python benchmarks/metrics.py

gpu-bench:  ## Measure every form of the convolutions on a GPU in 10 minutes; PYTHON=... names one with JAX for it.
	PYTHONPATH=. $(PYTHON) benchmarks/training.py --forms all --check --budget 480

gpu-bytes: $(COMPILER)/.ready  ## Count what training moves through an H100's memory, by the compiler alone: no GPU is needed.
	PYTHONPATH=$(COMPILER) $(BIN)/python benchmarks/training_gpu.py

# In a folder of its own: installed, JAX would look for a card.
$(COMPILER)/.ready: $(READY) requirements/gpu-compiler.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --upgrade \
	  --target $(COMPILER) -r requirements/gpu-compiler.txt
	@touch $@

lock:  ## Resolve the hash locks again (needs uv).
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-annotate --no-header --extra dev pyproject.toml -o requirements/dev.txt
	sed -n 's/ *\\$$//; /^jaxlib==/{s/^jaxlib/jax-cuda13-plugin/p; s/^jax-cuda13-plugin/jax-cuda13-pjrt/p}' \
	  requirements/dev.txt | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-deps \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header - -o requirements/gpu-compiler.txt

clean:  ## Remove the environment and the quick study.
	rm -rf $(VENV) studies
