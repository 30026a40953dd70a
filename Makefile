# Needs Python >= 3.11 and a JDK >= 17; everything else is fetched. `make PYTHON=python3.12 test` picks an interpreter.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.hybridfs-installed
JAR := spark_ext/jars/hybridfs.jar
MVN := $(shell command -v mvn || echo sh ./mvnw)

.PHONY: demo test test-security test-link torture bench bench-listing lint jar jar-test python-test install clean

install: $(STAMP)

$(STAMP): pyproject.toml setup.cfg build_jar.py
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; sys.version_info >= (3, 11) or sys.exit("hybridfs needs Python >= 3.11, $(PYTHON) is " + v + "; try make PYTHON=/path/to/python3")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -e '.[test,demo]'
	@touch $@

$(JAR): $(STAMP) $(shell find spark_ext/jvm/src/main spark_ext/jvm/pom.xml -type f 2>/dev/null)
	$(BIN)/python -m build_jar
	@touch $@

jar: $(JAR)

demo: $(STAMP) $(JAR)
	$(BIN)/hybridfs demo

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

python-test: $(STAMP) $(JAR)
	$(BIN)/python -m pytest

# Maven's own tests of the jar, with Hadoop's file system contract on a real HDFS.
jar-test: $(STAMP) $(JAR)
	cd spark_ext/jvm && $(MVN) -B -ntp $(MVN_FLAGS) verify

# Two at a time: each waits for its daemons half the time. Of the jar's tests only failures are printed then.
test: lint
	$(MAKE) -j2 python-test jar-test MVN_FLAGS=-q

# Who may read: KDCs, secure HDFS, YARN and Ranger, with every cell of the permission matrix printed.
test-security: $(STAMP) $(JAR)
	$(BIN)/python -m pytest -m security -rA tests/security

# An emulated long link between two network namespaces.
test-link: $(STAMP)
	$(BIN)/python -m pytest -m link -rP tests/link

# Each prints its figures and the seed that replays it.
TORTURE := \
	"differential --operations 1000000" \
	"processes --minutes 30" \
	"crash_points --actions kill,half" \
	"crash_points --actions EIO,ENOSPC,EINTR,EACCES,short --sample 60" \
	"crash_points --language java --actions kill --sample 40" \
	"fuzz --mutants 100000" \
	"origin" "disk" "users" \
	"listing --mutations 100000"

torture: $(STAMP) $(JAR)
	for bench in $(TORTURE); do echo "== $$bench"; $(BIN)/python -m tests.torture.$$bench || exit 1; done
	$(BIN)/python -m benchmarks.eviction

bench: $(STAMP) $(JAR)
	$(BIN)/python -m benchmarks

# Over an emulated long link: needs root.
bench-listing: $(STAMP) $(JAR)
	$(BIN)/python -m benchmarks.listing

clean:
	rm -rf build dist *.egg-info spark_ext/jars spark_ext/jvm/target .mypy_cache .ruff_cache .pytest_cache .hypothesis
