# make demo    the mini release: set up, simulate, build, report, check against truth
# make test    set up, run every test
# make check-seeds    three releases, each of another sky, against their truth
# make reproduce    the same release under many conditions, every byte compared (hours)
# make benchmark-scale    planning, driver, start-up, pin at full size, against their targets
# make benchmark-frames    single exposures: effects, masks, astrometry, zero points, cost, against their targets
# make benchmark-tiles    stacks against SWarp, variance, flux, memory, maps, against their targets
# make benchmark-sources    catalogues against source-extractor and against truth, cost, against their targets
# make lint    formatting, style, workflow
# make lock    resolve the dependencies anew and regenerate the environments
# make clean   remove the simulated releases (no others, and not the environment)

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
READY := $(VENV)/.ready
# Caches and settings of the tools stay inside this folder.
export XDG_CACHE_HOME := $(CURDIR)/$(VENV)/cache
export XDG_CONFIG_HOME := $(CURDIR)/$(VENV)/config
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: demo test check-seeds reproduce benchmark-scale benchmark-frames benchmark-tiles benchmark-sources lint lock clean setup

demo: $(READY)
	snakemake --cores all
	@skymill release summary --config config/config.yaml
	@skymill check mini || echo "The release is finished: results/mini. What falls short of its targets, and why: docs/overview.md#what-falls-short"

test: $(READY)
	pytest -n auto --dist loadfile --no-loadscope-reorder --max-worker-restart 0

benchmark-scale: $(READY)
	PYTHONPATH=workflow python benchmarks/scale.py

benchmark-frames: $(READY)
	PYTHONPATH=workflow python benchmarks/frames.py

benchmark-tiles: $(READY)
	PYTHONPATH=$(CURDIR)/workflow python benchmarks/tiles.py

benchmark-sources: $(READY)
	PYTHONPATH=$(CURDIR)/workflow python benchmarks/sources.py

check-seeds: $(READY)
	snakemake --cores all
	snakemake --cores all --configfile config/config.yaml config/seeds/poor.yaml
	snakemake --cores all --configfile config/config.yaml config/seeds/crowded.yaml
	@failed=0; for release in mini poor crowded; do skymill check $$release || failed=1; done; exit $$failed

reproduce: $(READY)
	python -m tests.reproduce
	python -m tests.reproduce --release mini --leg one_core --leg two_cores --leg container

lint: $(READY)
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile workflow/rules
	snakemake --lint

setup: $(READY)

# The lock holds uv itself; pip installs that one line, uv the rest, every file by its hash.
$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Skymill needs Python 3.11 or newer: install it, or name it with make PYTHON=…"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	mkdir -p $(XDG_CACHE_HOME) $(XDG_CONFIG_HOME)
	awk '/^[a-z]/ {keep = /^uv==/} keep' requirements.lock > $(VENV)/uv.lock
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock
	$(VENV)/bin/uv pip sync --quiet --python $(VENV)/bin/python --require-hashes requirements.lock
	$(VENV)/bin/uv pip install --quiet --python $(VENV)/bin/python --no-deps --no-build-isolation --editable .
	touch $@

lock: $(READY)
	uv pip compile pyproject.toml --extra dev --extra slurm --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --quiet --upgrade --output-file requirements.lock
	python envs/generate.py

clean:
	rm -rf $(foreach release,mini mini_ks4 micro poor crowded,data/$(release) results/$(release)) .snakemake
