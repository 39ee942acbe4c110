# The tasks a person types; `make` alone lists them. The build itself is Meson's: meson.build.

BUILD := build/release
ASAN := build/asan
TSAN := build/tsan
FUZZ := build/fuzz
# Seconds that make demo runs for; empty: until Ctrl-C.
DEMO_SECONDS ?=
# CPU seconds that make fuzz gives each target.
FUZZ_SECONDS ?= 60

# A finding of a sanitizer fails the test that met it. GLib's slices hand memory from thread to thread unseen.
SANITIZER_ENV := G_SLICE=always-malloc ASAN_OPTIONS=abort_on_error=1:detect_stack_use_after_return=1 \
	LSAN_OPTIONS=suppressions=$(CURDIR)/tools/lsan.supp:print_suppressions=0 \
	UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
	TSAN_OPTIONS=suppressions=$(CURDIR)/tools/tsan.supp:halt_on_error=1:second_deadlock_stack=1

# One task after another: each one already uses every core.
.NOTPARALLEL:
.PHONY: help setup setup-test setup-kafka setup-dev build build-asan build-tsan demo test test-asan test-tsan \
	test-long test-kafka test-cluster test-cluster-long test-spark bench bench-batch bench-stream bench-kafka bench-spark bench-cassandra bench-sentiment screenshots fuzz fmt clean

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

setup: ## bring what the build needs (packages, DuckDB, front end); quick when it is there
	@tools/setup.sh

setup-test:
	@tools/setup.sh --with test

setup-kafka:
	@tools/setup.sh --with test --with kafka

setup-dev:
	@tools/setup.sh --with test --with dev

build: setup $(BUILD)/build.ninja ## compile to build/release/src/cli/marquee
	@ninja -C $(BUILD)

build-asan: setup-test $(ASAN)/build.ninja
	@ninja -C $(ASAN)

build-tsan: setup-test $(TSAN)/build.ninja
	@ninja -C $(TSAN)

$(BUILD)/build.ninja:
	@meson setup $(BUILD) --buildtype=debugoptimized

$(ASAN)/build.ninja:
	@meson setup $(ASAN) --buildtype=debugoptimized -Doptimization=1 -Db_sanitize=address,undefined

$(TSAN)/build.ninja:
	@meson setup $(TSAN) --buildtype=debugoptimized -Doptimization=1 -Db_sanitize=thread

$(FUZZ)/build.ninja:
	@CC=clang meson setup $(FUZZ) --buildtype=debugoptimized -Dfuzz=true -Db_lundef=false \
		-Db_sanitize=address,undefined -Dc_args=-fsanitize=fuzzer-no-link

demo: setup $(BUILD)/build.ninja ## the whole pipeline against the simulator, on http://127.0.0.1 (DEMO_SECONDS=60 ends it)
	@ninja -C $(BUILD) src/cli/marquee
	@DEMO_SECONDS=$(DEMO_SECONDS) tools/demo.sh $(BUILD)

test: setup-test build ## all tests but the long ones
	@tools/test.sh $(BUILD) --no-suite long --no-suite bench

test-asan: build-asan ## unit and contract tests under the address and undefined-behaviour sanitizers
	@$(SANITIZER_ENV) tools/test.sh $(ASAN) --suite unit --suite contract --timeout-multiplier 4

test-tsan: build-tsan ## unit and contract tests and a minute of `up` under the thread sanitizer
	@$(SANITIZER_ENV) tools/test.sh $(TSAN) --suite unit --suite contract --suite tsan --timeout-multiplier 8

test-long: setup-test build ## the long ones: crash tests, random logs, soaks
	@tools/test.sh $(BUILD) --suite long --timeout-multiplier 4

test-kafka: setup-kafka build ## the bus on a real Kafka, with a real registry, under build/servers (Java and Maven)
	@tests/kafka/servers.sh with tools/test.sh $(BUILD) --suite kafka || \
		{ status=$$?; [ $$status = 77 ] && echo "0 passed, 0 failed, 1 skipped" || exit $$status; }

test-cluster: setup-kafka build ## the whole on real Kafka, Cassandra, MongoDB, Redis, under build/servers, beside the embedded one
	@tests/cluster/all.sh tools/test.sh $(BUILD) --suite cluster

test-cluster-long: setup-kafka build ## each server and each role killed and paused under load, ROUNDS=20 times
	@tests/cluster/all.sh env MARQUEE_PROGRAM=$(CURDIR)/$(BUILD)/src/cli/marquee .deps/venv/bin/python \
		tests/cluster/whole_test.py $(BUILD)/tests/cluster/log_copy --rounds $(or $(ROUNDS),20) Whole.test_interrupted

test-spark: setup-test setup-kafka build ## the batch's SQL on Spark gives DuckDB's rows (Java, pip, Maven; build/spark)
	@deploy/spark/setup.sh && MARQUEE_SPARK=$(CURDIR)/build/spark/venv/bin/python \
		tests/kafka/servers.sh with tools/test.sh $(BUILD) --suite spark || \
		{ status=$$?; [ $$status = 77 ] && echo "0 passed, 0 failed, 1 skipped" || exit $$status; }

test-kafka-long: setup-kafka build ## three brokers, and all that can fail under load, in turn: ROUNDS=50
	@tests/kafka/servers.sh start 3 && eval "$$(tests/kafka/servers.sh env)" && \
		MARQUEE_PROGRAM=$(CURDIR)/$(BUILD)/src/cli/marquee .deps/venv/bin/python tests/kafka/long_test.py $(or $(ROUNDS),50); \
		status=$$?; tests/kafka/servers.sh stop; exit $$status

bench: build ## the numbers of DESIGN's budgets: memory, first answer, throughput
	@tools/bench.sh $(BUILD)

bench-stream: build ## the speed layer on one core, beside a bare loop and PySpark where pip has it
	@tools/bench_stream.sh $(BUILD)

bench-kafka: setup-kafka build ## ratings from a real Kafka by our engine, by bare loops, by Kafka Streams and by PySpark
	@tests/kafka/servers.sh with bench/kafka/run.sh $(BUILD)

bench-spark: setup-kafka build ## the speed layer on Spark beside our engine, the same records from a real Kafka (RECORDS="100000 400000/100000")
	@deploy/spark/setup.sh && tests/kafka/servers.sh with bench/spark/run.sh $(BUILD) $(RECORDS) || \
		{ status=$$?; [ $$status = 77 ] && echo "skipped" || exit $$status; }

bench-batch: build ## one batch run of 10 k and 100 k movies, step by step, beside bare DuckDB and Spark (MOVIES="10000 1000000")
	@bench/batch/run.sh $(BUILD) $(MOVIES)

bench-cassandra: setup-test build ## upserts into one Cassandra node beside the DataStax driver, under build/servers (Java, Maven, pip)
	@bench/cassandra/run.sh $(BUILD) || { status=$$?; [ $$status = 77 ] && echo "skipped" || exit $$status; }

bench-sentiment: setup-test build ## our VADER beside the reference, same texts, same core
	@tools/bench_sentiment.sh $(BUILD)

screenshots: setup-test build ## load the page in headless Chromium and take docs/images/
	@tools/screenshots.sh $(BUILD)

fuzz: setup-dev $(FUZZ)/build.ninja ## run each libFuzzer target for FUZZ_SECONDS
	@ninja -C $(FUZZ)
	@tools/fuzz.sh $(FUZZ) $(FUZZ_SECONDS)

fmt: setup-test ## clang-format over all of our C
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i

clean: ## remove what was built; downloads (.deps) and data (marquee-data) stay
	rm -rf build
