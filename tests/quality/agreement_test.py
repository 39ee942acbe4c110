#!/usr/bin/env python3
"""Ours beside Great Expectations itself: the same suite over the same Parquet file gives the same success flags, counts,
percentages, lists of unexpected values and observed values, for every expectation that is known.

usage: agreement_test.py QUALITY_CHECK [--seeds N] [--rows N]

Data are made up from a seed, with faults planted in every column: repeated keys, nulls, NaN, values out of range, texts with
quotes and letters of several bytes. Theirs is run on pandas, and for LIKE, which that lacks, on SQLite. Where
their engines disagree with one another docs/quality.md says which we follow, and the suite here leaves that out."""
import argparse
import glob
import json
import logging
import math
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import warnings

os.environ["GX_ANALYTICS_ENABLED"] = "false"
warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)

import great_expectations as gx  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
import sqlalchemy  # noqa: E402

CHECK_TIMEOUT_S = 120
TITLES = ["Dune", "It's", 'Say "hi"', "Amélie", "千と千尋", "", "a%b", "a_b", "x" * 150, "tab\there", "<b>bold</b>", "\\d"]
GENRES = ["Drama", "Comedy", "Horror", "Sci-Fi"]


# ---- data ----

def maybe(rng, share, value, otherwise=None):
    return otherwise if rng.random() < share else value


def make_table(rng, rows):
    ids = list(range(1, rows + 1))
    for _ in range(rows // 50):
        ids[rng.randrange(rows)] = ids[rng.randrange(rows)]
    whole = [rng.randrange(0, 1000) for _ in range(rows)]
    rising, at = [], 0
    for _ in range(rows):
        at += rng.choice([0, 1, 2, 3])
        rising.append(at if rng.random() > 0.03 else at - 5)
    low = [maybe(rng, 0.1, float(rng.randrange(10))) for _ in range(rows)]
    high = [maybe(rng, 0.1, (10.0 if x is None else x + rng.choice([-1.0, 0.0, 1.0, 2.0]))) for x in low]
    part = [rng.randrange(50) for _ in range(rows)]
    other = [rng.randrange(50) for _ in range(rows)]
    return pa.table({
        "id": pa.array(ids, pa.int64()),
        "whole": pa.array(whole, pa.int64()),
        "votes": pa.array([maybe(rng, 0.08, rng.randrange(-5, 500)) for _ in range(rows)], pa.int64()),
        "title": pa.array([maybe(rng, 0.05, rng.choice(TITLES)) for _ in range(rows)], pa.string()),
        "genre": pa.array([maybe(rng, 0.04, rng.choices(GENRES, [5, 4, 3, 1])[0]) for _ in range(rows)], pa.string()),
        "score": pa.array([maybe(rng, 0.05, maybe(rng, 0.05, rng.gauss(6, 2), math.nan)) for _ in range(rows)], pa.float64()),
        "flag": pa.array([rng.random() < 0.9 for _ in range(rows)], pa.bool_()),
        "rising": pa.array(rising, pa.int64()),
        "falling": pa.array([maybe(rng, 0.05, float(-x)) for x in rising], pa.float64()),
        "low": pa.array(low, pa.float64()),
        "high": pa.array(high, pa.float64()),
        "part": pa.array(part, pa.int64()),
        "other": pa.array(other, pa.int64()),
        "rest": pa.array([100 - a - b + maybe(rng, 0.9, 1, 0) for a, b in zip(part, other)], pa.int64()),
        "key_a": pa.array([maybe(rng, 0.1, rng.choice(GENRES)) for _ in range(rows)], pa.string()),
        "key_b": pa.array([maybe(rng, 0.1, float(rng.randrange(rows * 2))) for _ in range(rows)], pa.float64()),
        "body": pa.array([maybe(rng, 0.05, rng.choice(['{"a":1}', "[1,2]", "{", "", "nul", "1.5", '"x"'])) for _ in range(rows)],
                         pa.string()),
        "nothing": pa.array([None] * rows, pa.float64()),
        "odd name's \"q\"": pa.array([maybe(rng, 0.5, "x") for _ in range(rows)], pa.string()),
        "day": pa.array([f"20{rng.randrange(10, 30)}-0{rng.randrange(1, 10)}-{rng.randrange(10, 33)}" for _ in range(rows)],
                        pa.string()),
    })


# ---- suites ----

def compare(column, operator, parameter):
    return {"type": "comparison", "column": {"name": column}, "operator": operator, "parameter": parameter}


def nullity(column, is_null):
    return {"type": "nullity", "column": {"name": column}, "is_null": is_null}


CONDITIONS = [
    compare("genre", "==", "Drama"),
    compare("whole", ">=", 500),
    compare("genre", "IN", ["Drama", "Horror"]),
    compare("whole", "NOT_IN", [1, 2, 3]),
    compare("whole", "!=", 7),
    nullity("votes", False),
    {"type": "and", "conditions": [compare("whole", "<", 900), compare("flag", "==", True)]},
    {"type": "or", "conditions": [compare("genre", "==", "Sci-Fi"), compare("whole", "<=", 100)]},
    {"type": "pass_through", "pass_through_filter": 'genre == "Comedy" and whole > 10'},
]

# name (behind expect_), kwargs
COLUMN_MAP = [
    ("column_values_to_not_be_null", {"column": "votes"}),
    ("column_values_to_not_be_null", {"column": "score"}),
    ("column_values_to_not_be_null", {"column": "id"}),
    ("column_values_to_not_be_null", {"column": "nothing"}),
    ("column_values_to_not_be_null", {"column": "odd name's \"q\""}),
    ("column_values_to_be_null", {"column": "nothing"}),
    ("column_values_to_be_null", {"column": "title"}),
    ("column_values_to_be_unique", {"column": "id"}),
    ("column_values_to_be_unique", {"column": "key_b"}),
    ("column_values_to_be_unique", {"column": "title"}),
    ("column_values_to_be_unique", {"column": "nothing"}),
    ("column_values_to_be_between", {"column": "votes", "min_value": 0, "max_value": 400}),
    ("column_values_to_be_between", {"column": "votes", "min_value": 0, "strict_min": True}),
    ("column_values_to_be_between", {"column": "whole", "max_value": 999, "strict_max": True}),
    ("column_values_to_be_between", {"column": "whole", "min_value": 0, "max_value": 999}),
    ("column_values_to_be_between", {"column": "score", "min_value": 0.5, "max_value": 10.25}),
    ("column_values_to_be_between", {"column": "nothing", "min_value": 0}),
    ("column_values_to_be_in_set", {"column": "genre", "value_set": ["Drama", "Comedy"]}),
    ("column_values_to_be_in_set", {"column": "title", "value_set": TITLES}),
    ("column_values_to_be_in_set", {"column": "whole", "value_set": list(range(0, 900))}),
    ("column_values_to_be_in_set", {"column": "flag", "value_set": [True]}),
    ("column_values_to_be_in_set", {"column": "genre", "value_set": []}),
    ("column_values_to_not_be_in_set", {"column": "genre", "value_set": ["Horror", "Western"]}),
    ("column_values_to_not_be_in_set", {"column": "votes", "value_set": [-5, -4, 3.0]}),
    ("column_values_to_match_regex", {"column": "title", "regex": "^[A-Z]"}),
    ("column_values_to_match_regex", {"column": "title", "regex": "[\"']"}),
    ("column_values_to_match_regex", {"column": "day", "regex": "^20[12][0-9]-(0[1-9]|1[0-2])-([0-2][0-9]|3[01])$"}),
    ("column_values_to_not_match_regex", {"column": "title", "regex": "<[^>]*>"}),
    ("column_values_to_not_match_regex", {"column": "title", "regex": "\\\\d"}),
    ("column_values_to_match_regex_list", {"column": "title", "regex_list": ["^D", "é", "^$"]}),
    ("column_values_to_match_regex_list", {"column": "title", "regex_list": ["a", "b"], "match_on": "all"}),
    ("column_values_to_not_match_regex_list", {"column": "title", "regex_list": ["<", "\t"]}),
    ("column_value_lengths_to_be_between", {"column": "title", "min_value": 1, "max_value": 100}),
    ("column_value_lengths_to_be_between", {"column": "title", "max_value": 4, "strict_max": True}),
    ("column_value_lengths_to_equal", {"column": "day", "value": 10}),
    ("column_value_lengths_to_equal", {"column": "title", "value": 4}),
    ("column_values_to_be_increasing", {"column": "rising"}),
    ("column_values_to_be_increasing", {"column": "rising", "strictly": True}),
    ("column_values_to_be_decreasing", {"column": "falling"}),
    ("column_values_to_be_decreasing", {"column": "falling", "strictly": True}),
    ("column_value_z_scores_to_be_less_than", {"column": "score", "threshold": 2, "double_sided": True}),
    ("column_value_z_scores_to_be_less_than", {"column": "score", "threshold": 1.5, "double_sided": False}),
    ("column_values_to_be_json_parseable", {"column": "body"}),
]
ROW_MAP = [
    ("column_pair_values_a_to_be_greater_than_b", {"column_A": "high", "column_B": "low"}),
    ("column_pair_values_a_to_be_greater_than_b", {"column_A": "high", "column_B": "low", "or_equal": True}),
    ("column_pair_values_a_to_be_greater_than_b",
     {"column_A": "high", "column_B": "low", "ignore_row_if": "either_value_is_missing"}),
    ("column_pair_values_a_to_be_greater_than_b", {"column_A": "high", "column_B": "low", "ignore_row_if": "neither"}),
    ("column_pair_values_to_be_equal", {"column_A": "high", "column_B": "low"}),
    ("column_pair_values_to_be_equal", {"column_A": "genre", "column_B": "key_a", "ignore_row_if": "either_value_is_missing"}),
    ("column_pair_values_to_be_in_set",
     {"column_A": "genre", "column_B": "key_a",
      "value_pairs_set": [["Drama", "Drama"], ["Drama", None], ["Comedy", "Horror"], [None, "Drama"], ["Horror", 1]]}),
    ("compound_columns_to_be_unique", {"column_list": ["key_a", "key_b"]}),
    ("compound_columns_to_be_unique", {"column_list": ["key_a", "key_b"], "ignore_row_if": "any_value_is_missing"}),
    ("compound_columns_to_be_unique", {"column_list": ["id", "whole"]}),
    ("compound_columns_to_be_unique", {"column_list": ["key_a", "genre"], "ignore_row_if": "never"}),
    ("select_column_values_to_be_unique_within_record", {"column_list": ["part", "other", "rest"]}),
    ("select_column_values_to_be_unique_within_record", {"column_list": ["low", "high"], "ignore_row_if": "never"}),
    ("multicolumn_sum_to_equal", {"column_list": ["part", "other", "rest"], "sum_total": 100}),
    ("multicolumn_sum_to_equal", {"column_list": ["low", "high"], "sum_total": 10}),
    ("multicolumn_sum_to_equal", {"column_list": ["low", "high"], "sum_total": 10, "ignore_row_if": "any_value_is_missing"}),
]
FIGURES = [
    ("column_min_to_be_between", {"column": "votes", "min_value": -5, "max_value": 0}),
    ("column_min_to_be_between", {"column": "votes", "min_value": 0}),
    ("column_max_to_be_between", {"column": "score", "max_value": 1000}),
    ("column_max_to_be_between", {"column": "whole", "min_value": 0, "max_value": 999, "strict_max": True}),
    ("column_sum_to_be_between", {"column": "whole", "min_value": 1}),
    ("column_sum_to_be_between", {"column": "score", "max_value": 0}),
    ("column_mean_to_be_between", {"column": "score", "min_value": 5, "max_value": 7}),
    ("column_mean_to_be_between", {"column": "votes", "min_value": 0, "max_value": 10}),
    ("column_mean_to_be_between", {"column": "nothing", "min_value": 0}),
    ("column_median_to_be_between", {"column": "votes", "min_value": 200, "max_value": 300}),
    ("column_median_to_be_between", {"column": "score", "max_value": 1}),
    ("column_stdev_to_be_between", {"column": "score", "min_value": 1.5, "max_value": 2.5}),
    ("column_stdev_to_be_between", {"column": "whole", "max_value": 10}),
    ("column_unique_value_count_to_be_between", {"column": "genre", "min_value": 4, "max_value": 4}),
    ("column_unique_value_count_to_be_between", {"column": "nothing", "min_value": 1}),
    ("column_proportion_of_unique_values_to_be_between", {"column": "id", "min_value": 0.9, "max_value": 1.0}),
    ("column_proportion_of_unique_values_to_be_between", {"column": "id", "min_value": 1.0}),
    ("column_proportion_of_unique_values_to_be_between", {"column": "nothing", "min_value": 0}),
    ("column_proportion_of_non_null_values_to_be_between", {"column": "votes", "min_value": 0.9}),
    ("column_proportion_of_non_null_values_to_be_between", {"column": "votes", "min_value": 0.99}),
    ("column_quantile_values_to_be_between",
     {"column": "votes", "quantile_ranges": {"quantiles": [0.05, 0.25, 0.5, 0.75, 1.0],
                                             "value_ranges": [[0, 60], [None, 200], [200, 300], [None, None], [499, 499]]}}),
    ("column_quantile_values_to_be_between",
     {"column": "score", "quantile_ranges": {"quantiles": [0.0, 0.333], "value_ranges": [[None, 5], [7, 8]]}}),
    ("column_most_common_value_to_be_in_set", {"column": "genre", "value_set": ["Drama", "Comedy"]}),
    ("column_most_common_value_to_be_in_set", {"column": "genre", "value_set": ["Horror"]}),
    ("column_distinct_values_to_be_in_set", {"column": "genre", "value_set": GENRES}),
    ("column_distinct_values_to_be_in_set", {"column": "genre", "value_set": ["Drama"]}),
    ("column_distinct_values_to_be_in_set", {"column": "votes", "value_set": list(range(0, 500))}),
    ("column_distinct_values_to_equal_set", {"column": "genre", "value_set": GENRES}),
    ("column_distinct_values_to_equal_set", {"column": "genre", "value_set": ["Drama", "Western"]}),
    ("column_distinct_values_to_contain_set", {"column": "genre", "value_set": ["Drama", "Comedy"]}),
    ("column_distinct_values_to_contain_set", {"column": "genre", "value_set": ["Drama", "Western", "War"]}),
]
TABLE = [
    ("table_row_count_to_be_between", {"min_value": 10}),
    ("table_row_count_to_be_between", {"max_value": 10}),
    ("table_row_count_to_equal", {"value": 2000}),
    ("table_column_count_to_equal", {"value": 20}),
    ("table_column_count_to_be_between", {"min_value": 1, "max_value": 19}),
    ("column_to_exist", {"column": "votes"}),
    ("column_to_exist", {"column": "votes", "column_index": 2}),
    ("column_to_exist", {"column": "votes", "column_index": 3}),
    ("column_to_exist", {"column": "absent"}),
    ("table_columns_to_match_set", {"column_set": ["id", "votes"], "exact_match": False}),
    ("table_columns_to_match_set", {"column_set": ["id", "votes", "absent"]}),
    ("table_columns_to_match_ordered_list", {"column_list": ["id", "votes"]}),
    ("column_values_to_be_of_type", {"column": "whole", "type_": "int64"}),
    ("column_values_to_be_of_type", {"column": "whole", "type_": "float64"}),
    ("column_values_to_be_of_type", {"column": "score", "type_": "float64"}),
    ("column_values_to_be_in_type_list", {"column": "score", "type_list": ["int64", "float64"]}),
    ("column_values_to_be_in_type_list", {"column": "flag", "type_list": ["int64", "float64"]}),
    # Of columns that are not there.
    ("column_values_to_not_be_null", {"column": "absent"}),
    ("column_mean_to_be_between", {"column": "absent", "min_value": 0}),
]
LIKE = [
    ("column_values_to_match_like_pattern", {"column": "title", "like_pattern": "D%"}),
    ("column_values_to_match_like_pattern", {"column": "title", "like_pattern": "%'%"}),
    ("column_values_to_not_match_like_pattern", {"column": "title", "like_pattern": "a_b"}),
    ("column_values_to_match_like_pattern_list", {"column": "title", "like_pattern_list": ["%a%", "%b%"], "match_on": "all"}),
    ("column_values_to_match_like_pattern_list", {"column": "title", "like_pattern_list": ["%é%", "D_ne"]}),
    ("column_values_to_not_match_like_pattern_list", {"column": "title", "like_pattern_list": ["<%", "x%"]}),
]


def expectations(rng, items, with_mostly, with_conditions):
    made = []
    for name, kwargs in items:
        variants = [{}]
        if with_mostly:
            variants.append({"mostly": rng.choice([0.5, 0.9, 0.95, 0.98])})
        # Theirs loses the rows' places there: more are unexpected than there are.
        if with_conditions and name != "column_pair_values_to_be_in_set":
            condition = rng.choice(CONDITIONS)
            variants.append({"row_condition": condition,
                             **({"condition_parser": "pandas"} if condition["type"] == "pass_through" else {})})
        made += [{"type": "expect_" + name, "kwargs": {**kwargs, **more}, "meta": {}} for more in variants]
    return made


def suite_of(rng):
    made = expectations(rng, COLUMN_MAP, True, True) + expectations(rng, ROW_MAP, True, True)
    return made + expectations(rng, FIGURES, False, True) + expectations(rng, TABLE, False, False)


# ---- both sides ----

def by_expectation(document):
    """Results by type and arguments: theirs come in an order of their own, and a context gives them other ids."""
    found = {}
    for result in document["results"]:
        config = result["expectation_config"]
        kwargs = {key: value for key, value in config["kwargs"].items() if key not in ("batch_id", "condition_parser")}
        found[json.dumps([config["type"], plain(kwargs)], sort_keys=True)] = result
    return found


def quiet_context():
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    return context


def theirs_on_pandas(path, name, items):
    batch = quiet_context().data_sources.pandas_default.read_parquet(path)
    suite = gx.ExpectationSuite(name=name, expectations=json.loads(json.dumps(items)))
    assert len(suite.expectations) == len(items), "theirs dropped an expectation"
    return by_expectation(batch.validate(suite, result_format="BASIC").to_json_dict())


def case_sensitive_like(connection, _record):
    """SQLite's LIKE takes a for A unless told otherwise; DuckDB's and the standard's doesn't."""
    connection.execute("PRAGMA case_sensitive_like = ON")


def theirs_on_sqlite(path, name, items, folder):
    database = os.path.join(folder, "theirs.sqlite")
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE given (title TEXT)")
        connection.executemany("INSERT INTO given VALUES (?)", [(x,) for x in pq.read_table(path)["title"].to_pylist()])
    sqlalchemy.event.listen(sqlalchemy.engine.Engine, "connect", case_sensitive_like)
    context = quiet_context()
    source = context.data_sources.add_sqlite("lite", connection_string=f"sqlite:///{database}")
    batch = source.add_table_asset("given", table_name="given").add_batch_definition_whole_table("all")
    suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=json.loads(json.dumps(items))))
    definition = context.validation_definitions.add(gx.ValidationDefinition(name="v", data=batch, suite=suite))
    return by_expectation(definition.run(result_format="BASIC").to_json_dict())


def ours(check, path, name, items, folder):
    suite = os.path.join(folder, "suite.json")
    with open(suite, "w", encoding="utf-8") as out:
        json.dump({"name": name, "expectations": items, "meta": {"great_expectations_version": "1.24.1"}}, out)
    done = subprocess.run([check, suite, path], capture_output=True, text=True, timeout=CHECK_TIMEOUT_S, check=False)
    if done.returncode != 0:
        sys.exit(f"quality_check: {done.stderr.strip()}")
    document = json.loads(done.stdout)["validation"]
    assert len(document["results"]) == document["statistics"]["evaluated_expectations"] == len(items)
    good = sum(result["success"] for result in document["results"])
    assert document["statistics"]["successful_expectations"] == good
    assert document["success"] == (good == len(items))
    return by_expectation(document)


# ---- comparison ----

def plain(value):
    """Numbers as doubles (pandas shows a whole number of a column with nulls as 3.0), texts as far as ours shows them."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        return None if math.isnan(value) else float(value)
    if isinstance(value, str):
        return value[:100]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value]


def equal(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    return a == b


def raised(result):
    info = result["exception_info"]
    return info["raised_exception"] if "raised_exception" in info else True


def differences(our, their):
    config = our["expectation_config"]
    label = f"{config['type']} {json.dumps(config['kwargs'], ensure_ascii=False)[:200]}"
    if raised(our) != raised(their):
        yield f"{label}: raised {raised(our)} and theirs {raised(their)}: {str(our['exception_info'])[:200]} {str(their['exception_info'])[-400:]}"
        return
    if our["success"] != their["success"]:
        yield f"{label}: success {our['success']}, theirs {their['success']}: {our['result']} {their['result']}"[:1500]
    if raised(our):
        return
    skipped = set()
    if "_of_type" in config["type"] or "_type_list" in config["type"]:
        skipped = {"observed_value"}  # ours is the engine's name
    for key in sorted((set(our["result"]) | set(their["result"])) - skipped):
        a, b = plain(our["result"].get(key, "absent")), plain(their["result"].get(key, "absent"))
        if key == "unexpected_count" and b is None and their["result"]["element_count"] == 0:
            b = 0.0  # their SQL sums no rows
        if key == "partial_missing_list" and isinstance(b, list):
            a, b = sorted(a, key=str), sorted(b, key=str)
        if not equal(a, b):
            yield f"{label}: {key} is {str(a)[:300]}, theirs {str(b)[:300]}"


def check_seed(check, seed, rows, folder):
    rng = random.Random(seed)
    path = os.path.join(folder, "given.parquet")
    pq.write_table(make_table(rng, rows), path, row_group_size=700)
    found, count, failed = [], 0, 0
    for name, items, theirs in (
        ("pandas", suite_of(rng), theirs_on_pandas),
        ("like", expectations(rng, LIKE, True, False), lambda *a: theirs_on_sqlite(*a, folder)),
    ):
        their, our = theirs(path, name, items), ours_in_parts(check, path, name, items, folder)
        assert len(items) == len(our) and set(our) == set(their), set(our) ^ set(their)
        for key in sorted(our):
            count += 1
            failed += not their[key]["success"]
            found += differences(our[key], their[key])
    return found, count, failed


def check_own_suites():
    """Theirs reads the suites of contracts/quality whole, with the severities that ours reads."""
    root = os.environ.get("MARQUEE_SOURCE_ROOT", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    paths = sorted(glob.glob(os.path.join(root, "contracts", "quality", "*.json")))
    assert paths, "there are no suites"
    for path in paths:
        with open(path, encoding="utf-8") as text:
            document = json.load(text)
        suite = gx.ExpectationSuite(**document)
        wanted = sorted((item["type"], item["severity"]) for item in document["expectations"])
        found = sorted((item.expectation_type, item.severity.value) for item in suite.expectations)
        assert wanted == found, f"{path}: theirs reads {len(found)} of {len(wanted)}"
    print(f"{len(paths)} suites of contracts/quality read by theirs")


def ours_in_parts(check, path, name, items, folder):
    """A suite holds at most 200 expectations."""
    found = {}
    for start in range(0, len(items), 150):
        found.update(ours(check, path, name, items[start:start + 150], folder))
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("check")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--rows", type=int, default=2000)
    args = parser.parse_args()
    check_own_suites()
    total, differing = 0, 0
    for seed in range(1, args.seeds + 1):
        for rows in (args.rows, 1, 0):
            with tempfile.TemporaryDirectory() as folder:
                found, count, failed = check_seed(args.check, seed, rows, folder)
            total, differing = total + count, differing + len(found)
            print(f"seed {seed}, {rows} rows: {count} expectations, {failed} not met, {len(found)} differences")
            for line in found:
                print("  " + line)
    print(f"{total} expectations compared, {differing} differences")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
