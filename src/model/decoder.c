/* The decoder's compiler: pairs each field of the writer with the reader's, by name, and picks the
 * op that reads the one into the other. What can only go wrong with some records (a union's branch,
 * an enum's symbol that the reader doesn't know) becomes an op that refuses them; what can never
 * work is an error here. */
#include <string.h>

#include "base/arena.h"
#include "model/codec.h"
#include "model/codec_field.h"
#include "model/decoder_program.h"

struct compiler {
    struct arena *arena;
    GError **error;
};

struct ops {
    GArray *array; /* struct op */
};

/* Where a value goes. */
struct target {
    const struct codec_field *field;
    uint32_t offset, extra_offset;
};

static bool compile_record(struct compiler *compiler,
                           const struct schema_node *writer,
                           const struct schema_node *reader,
                           const struct record_type *type,
                           struct program *ret_program);

static bool compile_value(struct compiler *compiler,
                          const struct schema_node *writer,
                          const struct target *target,
                          struct op *ret_op);

static struct program program_of(struct compiler *compiler, const struct op *ops, size_t count)
{
    struct program program = {.count = count};
    program.ops = arena_array(compiler->arena, struct op, count);
    if (count)
        memcpy(program.ops, ops, count * sizeof *ops);
    return program;
}

static struct program *program_new(struct compiler *compiler, const struct op *op)
{
    struct program *program = arena_new0(compiler->arena, struct program);
    *program = program_of(compiler, op, 1);
    return program;
}

static bool
mismatch(struct compiler *compiler, const struct target *target, const struct schema_node *writer)
{
    error_set(compiler->error, BADDATA, "%s: the reader's %s can't read the writer's %s",
              target->field->field->name, schema_type_name(target->field->value->type),
              schema_type_name(writer->type));
    return false;
}

/* The op for two types that match by themselves and hold nothing. */
static enum op_code scalar_code(const struct schema_node *reader, const struct schema_node *writer)
{
    switch (reader->type) {
    case SCHEMA_INT:
        return OP_INT;
    case SCHEMA_LONG:
        return writer->type == SCHEMA_INT ? OP_LONG_FROM_INT : OP_LONG;
    case SCHEMA_DOUBLE:
        return writer->type == SCHEMA_INT     ? OP_DOUBLE_FROM_INT
               : writer->type == SCHEMA_LONG  ? OP_DOUBLE_FROM_LONG
               : writer->type == SCHEMA_FLOAT ? OP_DOUBLE_FROM_FLOAT
                                              : OP_DOUBLE;
    case SCHEMA_STRING:
        return OP_STRING;
    default:
        return OP_BYTES;
    }
}

static void compile_enum(struct compiler *compiler,
                         const struct schema_node *writer,
                         const struct schema_node *reader,
                         struct op *op)
{
    op->code = OP_ENUM;
    op->symbols_count = writer->symbols_count;
    op->symbols = arena_array(compiler->arena, int32_t, writer->symbols_count);
    for (size_t i = 0; i < writer->symbols_count; i++) {
        int index = schema_find_symbol(reader, writer->symbols[i]);
        op->symbols[i] = index >= 0 ? index : reader->default_symbol;
    }
}

static bool compile_array(struct compiler *compiler,
                          const struct schema_node *writer,
                          const struct target *target,
                          struct op *op)
{
    const struct record_field *field = target->field->field;
    const struct schema_node *reader = target->field->value;
    if (field->kind == FIELD_STRINGS) {
        /* One string into a span at the element's start. */
        const struct record_field item = {
            .name = field->name, .kind = FIELD_STRING, .extra_offset = SIZE_MAX};
        const struct codec_field item_field = {
            .field = &item, .value = reader->items, .null_branch = -1};
        const struct target item_target = {.field = &item_field, .extra_offset = NO_EXTRA};
        struct op item_op;
        if (!compile_value(compiler, writer->items, &item_target, &item_op))
            return false;
        op->code = OP_STRINGS;
        op->element_size = sizeof(struct span);
        op->items = program_new(compiler, &item_op);
        return true;
    }
    if (writer->items->type != SCHEMA_RECORD || !schema_shallow_match(reader->items, writer->items))
        return mismatch(compiler, target, writer);
    op->code = OP_RECORDS;
    op->element_size = field->element->size;
    op->items = arena_new0(compiler->arena, struct program);
    return compile_record(compiler, writer->items, reader->items, field->element, op->items);
}

/* The writer's union: one program a branch. At least one must be readable. */
static bool compile_union(struct compiler *compiler,
                          const struct schema_node *writer,
                          const struct target *target,
                          struct op *op)
{
    op->code = OP_UNION;
    op->branches_count = writer->branches_count;
    op->branches = arena_array(compiler->arena, struct program, writer->branches_count);
    bool some = false;
    for (size_t i = 0; i < writer->branches_count; i++) {
        struct op branch = {0};
        g_autoptr(GError) why = NULL;
        struct compiler trial = {.arena = compiler->arena, .error = &why};
        if (compile_value(&trial, writer->branches[i], target, &branch))
            some = true;
        else if (g_error_matches(why, MARQUEE_ERROR, MARQUEE_ERROR_BADDATA))
            branch = (struct op){
                .code = OP_REFUSE,
                .name = op->name,
                .why = arena_printf(compiler->arena,
                                    "the writer's %s came, which the reader doesn't take",
                                    schema_type_name(writer->branches[i]->type))};
        else {
            g_propagate_error(compiler->error, g_steal_pointer(&why));
            return false;
        }
        op->branches[i] = program_of(compiler, &branch, 1);
    }
    return some || mismatch(compiler, target, writer);
}

static bool compile_value(struct compiler *compiler,
                          const struct schema_node *writer,
                          const struct target *target,
                          struct op *ret_op)
{
    const struct schema_node *reader = target->field->value;
    struct op op = {.offset = target->offset,
                    .extra_offset = target->extra_offset,
                    .name = target->field->field->name};
    if (writer->type == SCHEMA_UNION) {
        if (!compile_union(compiler, writer, target, &op))
            return false;
    } else if (writer->type == SCHEMA_NULL && target->field->null_branch >= 0) {
        op.code = OP_NULL;
    } else if (!schema_shallow_match(reader, writer)) {
        return mismatch(compiler, target, writer);
    } else if (reader->type == SCHEMA_ENUM) {
        compile_enum(compiler, writer, reader, &op);
    } else if (reader->type == SCHEMA_ARRAY) {
        if (!compile_array(compiler, writer, target, &op))
            return false;
    } else {
        op.code = scalar_code(reader, writer);
    }
    *ret_op = op;
    return true;
}

static bool compile_default(struct compiler *compiler,
                            const struct schema_field *field,
                            const struct target *target,
                            struct op *ret_op)
{
    if (!field->default_bytes) {
        error_set(compiler->error, BADDATA, "%s: the writer lacks it and the reader has no default",
                  field->name);
        return false;
    }
    struct op value;
    if (!compile_value(compiler, field->type, target, &value))
        return false;
    struct op op = {
        .code = OP_DEFAULT, .name = target->field->field->name, .len = field->default_len};
    op.value = program_new(compiler, &value);
    op.bytes = (const unsigned char *)arena_strndup(
        compiler->arena, (const char *)field->default_bytes, field->default_len);
    *ret_op = op;
    return true;
}

static bool find_target(struct compiler *compiler,
                        const struct record_type *type,
                        const struct schema_field *reader_field,
                        struct codec_field *field,
                        struct target *ret_target)
{
    if (!codec_field_find(type, reader_field, field, compiler->error))
        return false;
    *ret_target = (struct target){
        .field = field,
        .offset = (uint32_t)field->field->offset,
        .extra_offset = field->field->extra_offset == SIZE_MAX
                            ? NO_EXTRA
                            : (uint32_t)field->field->extra_offset,
    };
    return true;
}

static bool compile_fields(struct compiler *compiler,
                           const struct schema_node *writer,
                           const struct schema_node *reader,
                           const struct record_type *type,
                           GArray *ops)
{
    struct codec_field field;
    struct target target;
    for (size_t i = 0; i < writer->fields_count; i++) {
        const struct schema_field *written = &writer->fields[i];
        const struct schema_field *wanted = schema_find_field(reader, written->name);
        struct op op = {.code = OP_SKIP, .skip = written->type};
        op.name = arena_strdup(compiler->arena, written->name);
        if (wanted && (!find_target(compiler, type, wanted, &field, &target) ||
                       !compile_value(compiler, written->type, &target, &op)))
            return false;
        g_array_append_val(ops, op);
    }
    for (size_t i = 0; i < reader->fields_count; i++) {
        const struct schema_field *wanted = &reader->fields[i];
        struct op op;
        if (schema_find_field(writer, wanted->name))
            continue;
        if (!find_target(compiler, type, wanted, &field, &target) ||
            !compile_default(compiler, wanted, &target, &op))
            return false;
        g_array_append_val(ops, op);
    }
    return true;
}

static bool compile_record(struct compiler *compiler,
                           const struct schema_node *writer,
                           const struct schema_node *reader,
                           const struct record_type *type,
                           struct program *ret_program)
{
    if (!codec_type_check(type, reader, compiler->error))
        return false;
    g_autoptr(GArray) ops = g_array_new(FALSE, TRUE, sizeof(struct op));
    if (!compile_fields(compiler, writer, reader, type, ops))
        return false;
    *ret_program = program_of(compiler, (const struct op *)(void *)ops->data, ops->len);
    return true;
}

struct decoder *decoder_new(const struct schema *writer,
                            const struct schema *reader,
                            const struct record_type *type,
                            GError **error)
{
    const struct schema_node *writer_root = schema_root(writer), *reader_root = schema_root(reader);
    if (reader_root->type == SCHEMA_RECORD && !schema_shallow_match(reader_root, writer_root)) {
        error_set(error, BADDATA, "the reader's record %s can't read the writer's %s %s",
                  reader_root->name, schema_type_name(writer_root->type),
                  writer_root->name ? writer_root->name : "");
        return NULL;
    }
    struct decoder *decoder = g_new0(struct decoder, 1);
    decoder->arena = arena_new();
    decoder->type = type;
    struct compiler compiler = {.arena = decoder->arena, .error = error};
    if (!compile_record(&compiler, writer_root, reader_root, type, &decoder->program)) {
        decoder_free(decoder);
        return NULL;
    }
    return decoder;
}

void decoder_free(struct decoder *decoder)
{
    if (!decoder)
        return;
    arena_free(decoder->arena);
    g_free(decoder);
}
