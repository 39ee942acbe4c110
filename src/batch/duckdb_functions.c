/* Mathematical functions that Spark has and DuckDB hasn't. They are the C library's own, so a value
 * is the same double that the stream engine computes. */
#include <math.h>

#include "batch/duckdb_session.h"

static void apply(duckdb_data_chunk input, duckdb_vector output, double (*function)(double))
{
    idx_t count = duckdb_data_chunk_get_size(input);
    duckdb_vector vector = duckdb_data_chunk_get_vector(input, 0);
    const double *from = duckdb_vector_get_data(vector);
    uint64_t *valid = duckdb_vector_get_validity(vector);
    double *to = duckdb_vector_get_data(output);
    if (valid)
        duckdb_vector_ensure_validity_writable(output);
    for (idx_t i = 0; i < count; i++) {
        if (!valid || duckdb_validity_row_is_valid(valid, i))
            to[i] = function(from[i]);
        else
            duckdb_validity_set_row_invalid(duckdb_vector_get_validity(output), i);
    }
}

static void rint_vector(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    apply(input, output, rint);
}

static void log1p_vector(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    apply(input, output, log1p);
}

bool duckdb_functions_register(duckdb_connection connection, GError **error)
{
    static const struct {
        const char *name;
        duckdb_scalar_function_t function;
    } functions[] = {{"rint", rint_vector}, {"log1p", log1p_vector}};
    for (size_t i = 0; i < G_N_ELEMENTS(functions); i++) {
        duckdb_scalar_function function = duckdb_create_scalar_function();
        duckdb_logical_type type = duckdb_create_logical_type(DUCKDB_TYPE_DOUBLE);
        duckdb_scalar_function_set_name(function, functions[i].name);
        duckdb_scalar_function_add_parameter(function, type);
        duckdb_scalar_function_set_return_type(function, type);
        duckdb_scalar_function_set_function(function, functions[i].function);
        duckdb_state state = duckdb_register_scalar_function(connection, function);
        duckdb_destroy_logical_type(&type);
        duckdb_destroy_scalar_function(&function);
        if (state == DuckDBError) {
            error_set(error, FAILED, "duckdb: the function %s can't be registered",
                      functions[i].name);
            return false;
        }
    }
    return true;
}
