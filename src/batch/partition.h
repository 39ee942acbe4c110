/* Partition: a table of silver by year, month and genre, coarsened.
 *
 *   silver/movies/year=2024/month=05/genre=Drama/<run>.parquet   holds lake.partition_min or more
 *   silver/movies/year=2024/month=05/<run>.parquet               the month's other genres, if so
 * much silver/movies/year=2024/<run>.parquet                        the year's other months, if so
 * much silver/movies/<run>.parquet                                  the rest
 *
 * A cell's bytes are reckoned from its share of the rows. A table that is small is one file. Which
 * rows are in which file is a function of the table's rows and lake.partition_min alone; readers
 * find them by the manifest. */
#pragma once

#include <stdbool.h>

#include "batch/run_state.h"

struct partition {
    const char *table;        /* "silver/movies" */
    const char *columns_path; /* its columns */
    const char *cells_path;   /* staged -> year, month, genre, row_count of each cell */
    const char *placed_path;  /* staged, parts -> the rows with their part, by part */
    const char *part_path;    /* placed -> the rows of ${part}, in the table's order */
};

extern const struct partition partition_movies, partition_reviews;

/* whole: the table as one file, which is in the lake already. Adds the files that it became to the
 * manifest's table; that may be the one. Repeatable. */
bool partition_split(const struct partition *partition,
                     struct run_state *state,
                     const struct manifest_file *whole,
                     GError **error) MUST_CHECK;
