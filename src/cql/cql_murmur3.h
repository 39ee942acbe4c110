/* Murmur3: the token of a partition key, as Cassandra's Murmur3Partitioner computes it.
 *
 * MurmurHash3_x64_128 with seed 0, of which the first half is the token, with two differences from
 * the published function that every Cassandra has kept: the bytes of the tail (the last len % 16)
 * are taken as signed, and the least value, which the ring doesn't have, becomes the greatest.
 * Source: Austin Appleby's MurmurHash3 (public domain) for the function; tokens of a real
 * Cassandra, in the test, for the differences. */
#pragma once

#include <stddef.h>
#include <stdint.h>

int64_t cql_murmur3(const void *key, size_t len);
