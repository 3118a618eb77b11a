PYTHON ?= python3
PUBLIC = data/public/public.csv.gz
FILE ?= $(PUBLIC)# spectra with assays, or a folder of such: make run FILE=soil.csv
MODEL ?= model
NAME = $(patsubst %.csv,%,$(patsubst %.gz,%,$(patsubst %.parquet,%,$(notdir $(FILE:/=)))))
FEATURES = data/preprocess/$(NAME)$(if $(wildcard $(FILE)/.),,.csv)
PREDICTIONS = data/predictions
SCORE = data/scores/$(NAME).txt
# the demo data are made where they are asked for and not there
TABLE = $(filter $(PUBLIC),$(FILE))

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

run: .venv/installed $(TABLE)  ## the four steps, of FILE=soil.csv or of demo data, which are made if there are none
	.venv/bin/python preprocess.py $(FILE) --output $(FEATURES)
	.venv/bin/python train.py $(FILE) --model $(MODEL)
	.venv/bin/python predict.py $(FILE) --model $(MODEL) --output $(PREDICTIONS)
	@echo "score of the training spectra themselves, so better than new ones will be:"
	.venv/bin/python score.py $(FILE) --predicted $(PREDICTIONS) --output $(SCORE)
	@echo "spectra $(FILE)  features $(FEATURES)  model $(MODEL)/model.pkl"
	@echo "predictions $(PREDICTIONS)/  score $(SCORE)"

convert: .venv/installed  ## SCANS=scans/ and a sheet, ASSAYS=assays.xlsx, become a table, FILE=soil.csv
	.venv/bin/python -m tools.convert $(SCANS) $(if $(ASSAYS),--assays $(ASSAYS)) --output $(FILE)

test: .venv/installed  ## the tests, in minutes, warnings as errors; what they leave out is named at their end
	.venv/bin/python -m pytest -n auto --dist loadfile

check: .venv/installed $(PUBLIC)  ## all that is checked: the linter, all tests, the platform on this machine; DOCKER=--install as below
	.ci/check $(DOCKER)

lint: .venv/installed  ## the linter, and whether the formatter would change a thing
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

validate: .venv/installed $(TABLE)  ## figures by row and by site, under reports/
	.venv/bin/python -m tools.validate $(FILE)

report: .venv/installed $(TABLE)  ## one page to show: reports/NAME/report.html
	.venv/bin/python -m tools.report $(FILE)

page: .venv/page-installed  ## a page in the browser: drop spectra, read predictions of MODEL=model
	.venv/bin/python -m tools.page --model $(MODEL)

peers: .venv/installed $(TABLE)  ## other models on the same folds, with times
	.venv/bin/python -m tools.validate $(FILE) --peers --short

tune: .venv/installed $(TABLE)  ## search range, window and treatment; heat map under reports/
	.venv/bin/python -m tools.tune $(FILE)

docs: .venv/installed  ## write the tables of README and docs anew
	.venv/bin/python -m tools.docs

benchmark: .venv/installed  ## time and memory of each step beside the plain way
	.venv/bin/python -m tools.benchmark

loadtest: .venv/installed  ## requests a second of the model server, beside the plain way; six minutes
	.venv/bin/python -m tools.container.loadtest

simulate: .venv/installed $(TABLE)  ## the four jobs of the online pipeline, on the platform's own model server
	.venv/bin/python -m tools.container.simulate $(FILE)

docker: .venv/installed  ## the steps through the unearthed command on a Docker engine; DOCKER=--install makes one, as root on Debian
	.venv/bin/python -m tools.container.docker $(DOCKER)

matrix: .venv/installed  ## train and serve under every version of the container
	.venv/bin/python -m tools.container.matrix

test-oldest: .venv/installed  ## the tests of what is shipped on the oldest versions it promises
	.venv/bin/python -m nox -f tools/container/noxfile.py -s oldest

$(PUBLIC): | .venv/installed
	.venv/bin/python -m tools.demo_data --output $@

.venv/installed: requirements.txt tools/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "make: found Python %d.%d, expected 3.10 or newer; name one: make PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -r tools/requirements.txt
	@touch $@

.venv/page-installed: .venv/installed tools/page/requirements.txt
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -r tools/page/requirements.txt
	@touch $@

.PHONY: help run convert test check lint validate report page peers tune docs benchmark loadtest simulate docker matrix test-oldest
.DELETE_ON_ERROR:
