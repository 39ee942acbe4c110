/* vader_compound_e4(text): VADER's compound in ten-thousandths, as an SQL function. On Spark the
 * same comes from `marquee sentiment` behind TRANSFORM. */
#include "batch/duckdb_session.h"
#include "sentiment/vader.h"

static void
compound_vector(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    idx_t count = duckdb_data_chunk_get_size(input);
    duckdb_vector vector = duckdb_data_chunk_get_vector(input, 0);
    duckdb_string_t *from = duckdb_vector_get_data(vector);
    uint64_t *valid = duckdb_vector_get_validity(vector);
    int32_t *to = duckdb_vector_get_data(output);
    if (valid)
        duckdb_vector_ensure_validity_writable(output);
    for (idx_t i = 0; i < count; i++) {
        if (!valid || duckdb_validity_row_is_valid(valid, i))
            to[i] =
                vader_compound_e4(duckdb_string_t_data(&from[i]), duckdb_string_t_length(from[i]));
        else
            duckdb_validity_set_row_invalid(duckdb_vector_get_validity(output), i);
    }
}

bool duckdb_sentiment_register(duckdb_connection connection, GError **error)
{
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    duckdb_logical_type integer = duckdb_create_logical_type(DUCKDB_TYPE_INTEGER);
    duckdb_scalar_function_set_name(function, "vader_compound_e4");
    duckdb_scalar_function_add_parameter(function, text);
    duckdb_scalar_function_set_return_type(function, integer);
    duckdb_scalar_function_set_function(function, compound_vector);
    duckdb_state state = duckdb_register_scalar_function(connection, function);
    duckdb_destroy_logical_type(&text);
    duckdb_destroy_logical_type(&integer);
    duckdb_destroy_scalar_function(&function);
    if (state == DuckDBError)
        error_set(error, FAILED, "duckdb: the function vader_compound_e4 can't be registered");
    return state == DuckDBSuccess;
}
