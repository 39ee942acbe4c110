/* Read-ahead: a thread that takes what librdkafka has fetched out of its queues and packs it into
 * pages, so that whoever reads finds records ready, and of little size: one costs its bytes and a
 * struct kafka_page_record, where it costs librdkafka some 400 bytes more.
 *
 *   broker ──► librdkafka's queue ──thread──► pages ──► kafka_ahead_take
 *              (queued.min.messages)          (KAFKA_AHEAD_BYTES_MAX)      of each partition
 *
 * It also keeps those queues short. librdkafka (2.0) asks its broker for more when the last answer
 * comes, and only for partitions whose queue is below its threshold then; where none of those has
 * records left to send, the next answer is fetch.wait.max.ms away. Measured without the thread:
 * half of a catching up reader's time was such waits.
 *
 * Threads: one owner calls all of this. Pages come in the partition's order. */
#pragma once

#include <stdint.h>

#include <librdkafka/rdkafka.h>

#include "base/error.h"

/* Packed and not taken of one partition; overshot by one page at most. */
#define KAFKA_AHEAD_BYTES_MAX ((size_t)1024 * 1024)
/* Records of one page. */
#define KAFKA_PAGE_RECORDS_MAX 1024

enum kafka_page_kind {
    KAFKA_PAGE_RECORDS,
    KAFKA_PAGE_END,  /* the partition has no more records now; where that is: offset */
    KAFKA_PAGE_ERROR /* librdkafka gave the partition up: code, and bytes is a text */
};

/* In bytes, at `at`: the key, then the value; Confluent's header __value_schema_id, which may name
 * the schema in place of the value's first bytes (frame.h), goes before the value: one that has
 * lost its schema's name can't be read by anybody. */
struct kafka_page_record {
    int64_t offset, append_time_ms;
    size_t at;
    uint32_t key_len, value_len;
};

struct kafka_page {
    struct kafka_page *next; /* the queue's own */
    enum kafka_page_kind kind;
    rd_kafka_resp_err_t code;
    int64_t offset;
    size_t count, bytes_len;
    const char *bytes;
    struct kafka_page_record records[];
};

static inline size_t kafka_page_record_len(const struct kafka_page_record *record)
{
    return (size_t)record->key_len + record->value_len;
}

struct kafka_ahead;
struct kafka_ahead_partition;

/* NULL and FAILED where there can be no thread. */
struct kafka_ahead *kafka_ahead_new(GError **error);
/* All partitions are stopped. Accepts NULL. */
void kafka_ahead_free(struct kafka_ahead *ahead);

/* Reads a partition from offset on. client and topic outlive it. Not 0: it couldn't begin. */
rd_kafka_resp_err_t kafka_ahead_start(struct kafka_ahead *ahead,
                                      rd_kafka_t *client,
                                      rd_kafka_topic_t *topic,
                                      int number,
                                      int64_t offset,
                                      struct kafka_ahead_partition **ret_partition) MUST_CHECK;
/* What was not taken goes. Accepts NULL. */
void kafka_ahead_stop(struct kafka_ahead_partition *partition);

/* The next page, the caller's to g_free; NULL: there is none, and wait_ms have passed. */
struct kafka_page *kafka_ahead_take(struct kafka_ahead_partition *partition, int64_t wait_ms);

/* Packed and not taken. */
size_t kafka_ahead_bytes(const struct kafka_ahead_partition *partition);
